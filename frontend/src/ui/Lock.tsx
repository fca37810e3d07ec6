import type { ReactNode } from 'react';
import css from './Lock.module.css';
import { ePath, graduations, level } from './Staff';

export type Chamber = 'balance' | 'network' | 'recipient';

interface Place {
  name: string;
  note: string;
}

interface Props {
  /** Which chamber has the money. */
  at: Chamber;
  balance: Place;
  network: Place;
  recipient: Place;
  /** The money itself, said inside the water. */
  money: ReactNode;
  needed: number;
  reached: number;
  finalWord: string;
  label: string;
}

const UNIT = 54;
const COLUMN = 14;
const HEAD = 24;

/** Three chambers with gates between them; water lies in the one that has the money. */
export function Lock({ at, balance, network, recipient, money, needed, reached, finalWord, label }: Props) {
  const marks = graduations(needed);
  const board = UNIT * marks.length;
  const height = Math.max(board + HEAD, 162);
  const risen = level(needed, reached) * UNIT;
  const side = Math.max(UNIT, Math.min(board, 108));
  return (
    <div className={css.lock} style={{ '--height': `${height}px` }} role="img" aria-label={label}>
      <div className={css.chamber} data-side="balance" aria-hidden="true">
        <Label place={balance} />
        <Water height={at === 'balance' ? side : 5} still={at !== 'balance'}>
          {at === 'balance' && money}
        </Water>
      </div>
      <div className={css.gate} />
      <div className={css.chamber} data-side="network" aria-hidden="true">
        <svg
          className={css.board}
          width={COLUMN * 2}
          height={board}
          viewBox={`0 0 ${COLUMN * 2} ${board}`}
          aria-hidden="true"
        >
          {marks.map((mark, index) => (
            <path
              key={mark}
              className={at !== 'balance' && reached >= mark ? css.reached : css.open}
              d={ePath(index % 2 ? COLUMN : 0, board - UNIT * (index + 1), COLUMN, UNIT, index % 2 === 1)}
            />
          ))}
        </svg>
        <div className={css.final} style={{ insetBlockStart: height - board }}>
          <span>{finalWord}</span>
        </div>
        <Water
          height={at === 'network' ? Math.max(risen, 5) : at === 'recipient' ? 5 : 0}
          inset
          still={at !== 'network'}
        >
          {at === 'network' && risen > 0 && money}
        </Water>
        {at === 'network' && risen === 0 && <div className={css.afloat}>{money}</div>}
        {marks.map((mark, index) => (
          <span
            key={mark}
            className={css.numeral}
            data-reached={(at !== 'balance' && reached >= mark) || undefined}
            style={{ insetBlockEnd: UNIT * index }}
          >
            {mark}
          </span>
        ))}
        <Label place={network} middle />
      </div>
      <div className={css.gate} />
      <div className={css.chamber} data-side="recipient" aria-hidden="true">
        <Label place={recipient} />
        <Water height={at === 'recipient' ? side : 5} still={at !== 'recipient'}>
          {at === 'recipient' && money}
        </Water>
      </div>
    </div>
  );
}

function Label({ place, middle }: { place: Place; middle?: boolean }) {
  return (
    <div className={css.label} data-middle={middle || undefined}>
      <strong>{place.name}</strong>
      <span>{place.note}</span>
    </div>
  );
}

interface WaterProps {
  height: number;
  still: boolean;
  inset?: boolean;
  children?: ReactNode;
}

function Water({ height, still, inset, children }: WaterProps) {
  return (
    <div
      className={css.water}
      data-still={still || undefined}
      data-inset={inset || undefined}
      style={{ height, visibility: height ? 'visible' : 'hidden' }}
    >
      {children && <div className={css.money}>{children}</div>}
    </div>
  );
}
