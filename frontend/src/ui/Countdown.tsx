import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { announce } from './announce';
import css from './Countdown.module.css';
import { secondsUntil, useServerNow } from './clock';
import { minutesSeconds } from './time';

interface Props {
  expiresAt: string;
  /** The whole life in seconds, for the level. */
  life: number;
  onExpired?: () => void;
  note?: string;
  expiredNote?: string;
  compact?: boolean;
  /** What is running, in the announcement: "This price". */
  thing: string;
}

const SPOKEN = [60, 30, 10];

/** A glass tube whose level falls. It never turns amber: an expired price is not a danger. */
export function Countdown({ expiresAt, life, onExpired, note, expiredNote, compact, thing }: Props) {
  const { t } = useTranslation('ui');
  const now = useServerNow();
  const left = secondsUntil(expiresAt, now);
  const fired = useRef<string | null>(null);
  const spoken = useRef(new Set<number>());

  useEffect(() => {
    if (left === 0 && fired.current !== expiresAt) {
      fired.current = expiresAt;
      onExpired?.();
    }
  }, [left, expiresAt, onExpired]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new price is counted afresh.
  useEffect(() => spoken.current.clear(), [expiresAt]);
  useEffect(() => {
    const mark = SPOKEN.find((second) => second === left && second < life);
    // The small one stands beside a large one that speaks.
    if (mark && !compact && !spoken.current.has(mark)) {
      spoken.current.add(mark);
      announce(t('countdown.spoken', { thing, count: mark }));
    }
  }, [left, life, compact, t, thing]);

  const level = life > 0 ? Math.min(1, left / life) : 0;
  return (
    <div className={css.countdown} data-compact={compact || undefined} role="timer" aria-live="off">
      <Tube level={level} compact={compact} />
      <div>
        <div className={css.left}>{minutesSeconds(left)}</div>
        {(note || expiredNote) && <div className={css.note}>{left === 0 ? (expiredNote ?? note) : note}</div>}
      </div>
    </div>
  );
}

export function Tube({ level, compact }: { level: number; compact?: boolean | undefined }) {
  return (
    <span className={css.tube} data-compact={compact || undefined} aria-hidden="true">
      <span style={{ height: `${Math.round(level * 82)}%` }} />
    </span>
  );
}
