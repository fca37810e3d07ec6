import { type ReactNode, useId } from 'react';
import { OctagonIcon } from './icons';
import css from './Warning.module.css';

interface Props {
  tone: 'amber' | 'red';
  title: string;
  children: ReactNode;
  ways?: ReactNode;
}

/** A serif sentence, the reason, the evidence, the ways out. One a page at most. */
export function Warning({ tone, title, children, ways }: Props) {
  const id = useId();
  return (
    <section className={css.warning} data-tone={tone} aria-labelledby={id}>
      <p className={css.title} id={id}>
        <OctagonIcon size={22} />
        {title}
      </p>
      <div className={css.body}>{children}</div>
      {ways && <div className={css.ways}>{ways}</div>}
    </section>
  );
}
