import { CrossIcon, MoveIcon, TickIcon, WaitIcon } from './icons';
import css from './StatusBadge.module.css';

export type Standing = 'done' | 'moving' | 'waiting' | 'over';

/** Icon and word, no pill. Amber only where you or a person must look. */
export function StatusBadge({ standing, word }: { standing: Standing; word: string }) {
  return (
    <span className={css.badge} data-standing={standing}>
      {standing === 'done' && <TickIcon size={16} />}
      {standing === 'moving' && <MoveIcon size={16} />}
      {standing === 'waiting' && <WaitIcon size={16} />}
      {standing === 'over' && <CrossIcon size={16} />}
      {word}
    </span>
  );
}
