import type { ReactNode } from 'react';
import css from './Label.module.css';

/** The small words over a figure or a list. Not a heading: headings make the outline of the page. */
export function Label({ children, id }: { children: ReactNode; id?: string }) {
  return (
    <p className={css.label} id={id}>
      {children}
    </p>
  );
}
