import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Amount } from '@/ui/Amount';
import { StatusBadge } from '@/ui/StatusBadge';
import { clock, day } from '@/ui/time';
import css from './MovementRow.module.css';
import { effect, type Movement, standing, useMovementWords } from './movements';

/** Where the whole of it is shown. */
export function MovementLink({ item, children }: { item: Movement; children: ReactNode }) {
  const params = { id: item.id };
  if (item.kind === 'withdrawal') {
    return (
      <Link to="/withdrawals/$id" params={params}>
        {children}
      </Link>
    );
  }
  if (item.kind === 'deposit') {
    return (
      <Link to="/deposits/$id" params={params}>
        {children}
      </Link>
    );
  }
  if (item.kind === 'conversion') {
    return (
      <Link to="/conversions/$id" params={params}>
        {children}
      </Link>
    );
  }
  if (item.kind === 'transfer') {
    return (
      <Link to="/transfers/$id" params={params}>
        {children}
      </Link>
    );
  }
  return <span>{children}</span>;
}

/** One movement: when, what, how much, how it stands. */
export function MovementRow({ item, time }: { item: Movement; time?: boolean }) {
  const words = useMovementWords()(item);
  const change = effect(item);
  const stands = standing(item);
  return (
    <li className={css.row} data-kind={item.kind} data-id={item.id} data-state={item.state}>
      <time className={css.day} dateTime={item.at}>
        {day(item.at)}
        {time && <span>{clock(item.at)}</span>}
      </time>
      <div className={css.what}>
        <span className={css.title}>
          <MovementLink item={item}>{words.title}</MovementLink>
        </span>
        <span className={css.note}>{words.note}</span>
      </div>
      <div className={css.figures} data-over={stands === 'over' || undefined}>
        {change && (
          <span>
            {stands === 'over' ? '' : change.sign}
            <Amount
              amount={change.amount}
              asset={change.asset}
              afloat={stands === 'moving' || stands === 'waiting'}
            />
          </span>
        )}
        <StatusBadge standing={stands} word={words.state} />
      </div>
    </li>
  );
}
