import type { ReactNode } from 'react';
import css from './Dock.module.css';

/** On a phone the amount, the countdown and the one act stay at hand. */
export function Dock({ children }: { children: ReactNode }) {
  return <div className={css.dock}>{children}</div>;
}
