import type { ReactNode } from 'react';
import { CrossIcon, TickIcon } from './icons';
import css from './Timeline.module.css';

export interface Mark {
  key: string;
  /** `past` a tick, `now` a filled ring, `later` an empty one, `ended` a cross: it will not go on. */
  state: 'past' | 'now' | 'later' | 'ended';
  name: string;
  detail?: ReactNode;
  time?: string | undefined;
}

/** What happened, what is happening, what will. */
export function Timeline({ marks, label }: { marks: readonly Mark[]; label: string }) {
  return (
    <ol className={css.timeline} aria-label={label}>
      {marks.map((mark) => (
        <li
          key={mark.key}
          data-state={mark.state}
          data-mark={mark.key}
          aria-current={mark.state === 'now' ? 'step' : undefined}
        >
          <span className={css.sign} aria-hidden="true">
            {mark.state === 'past' && <TickIcon size={18} />}
            {mark.state === 'ended' && <CrossIcon size={18} />}
            {mark.state === 'now' && <i className={css.ring} />}
            {mark.state === 'later' && <i className={css.empty} />}
          </span>
          <span className={css.name}>{mark.name}</span>
          <span className={css.detail}>{mark.detail}</span>
          <span className={css.time}>{mark.time}</span>
        </li>
      ))}
    </ol>
  );
}
