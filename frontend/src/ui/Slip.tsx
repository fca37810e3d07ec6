import type { ReactNode } from 'react';
import css from './Slip.module.css';

/** The one bordered sheet a column: what is agreed, and the act. */
export function Slip({ children, label }: { children: ReactNode; label?: string }) {
  if (!label) return <div className={css.slip}>{children}</div>;
  return (
    <section className={css.slip} aria-label={label}>
      {children}
    </section>
  );
}

interface LineProps {
  name: ReactNode;
  children: ReactNode;
  strong?: boolean;
}

/** A row of the slip: name left, figure right. */
export function Line({ name, children, strong }: LineProps) {
  return (
    <div className={css.line} data-strong={strong || undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Lines({ children }: { children: ReactNode }) {
  return <dl className={css.lines}>{children}</dl>;
}
