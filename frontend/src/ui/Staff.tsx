import css from './Staff.module.css';

interface Props {
  /** Confirmations that make it final. */
  needed: number;
  reached: number;
  /** Height of one graduation in px. */
  unit: number;
  /** The sentence that the drawing says. */
  label: string;
}

/** More graduations than this cannot be told apart at a glance: then one stands for a quarter. */
const MOST = 6;

/** What each drawn graduation stands for: 1, 2, 3 … or the four quarters of a long way. */
export function graduations(needed: number): number[] {
  if (needed <= MOST) return Array.from({ length: Math.max(1, needed) }, (_, index) => index + 1);
  return [1, 2, 3, 4].map((quarter) => Math.ceil((needed * quarter) / 4));
}

/** How high the water stands, in graduations. Exactly at the last one reached. */
export function level(needed: number, reached: number): number {
  return graduations(needed).filter((mark) => reached >= mark).length;
}

/** One E of a tide board: five equal bands, the spine a third of the width. */
export function ePath(x: number, y: number, width: number, height: number, flipped: boolean): string {
  const band = height / 5;
  const spine = width / 3;
  const inner = flipped ? x + width - spine : x + spine;
  const outer = flipped ? x : x + width;
  const back = flipped ? x + width : x;
  return [
    `M${back} ${y}`,
    `H${outer}V${y + band}H${inner}V${y + 2 * band}`,
    `H${outer}V${y + 3 * band}H${inner}V${y + 4 * band}`,
    `H${outer}V${y + height}H${back}Z`,
  ].join('');
}

/** The tide board alone, for lists. */
export function Staff({ needed, reached, unit, label }: Props) {
  const marks = graduations(needed);
  const width = Math.round(unit * 0.46);
  const height = unit * marks.length;
  return (
    <svg
      className={css.staff}
      width={width * 2}
      height={height}
      viewBox={`0 0 ${width * 2} ${height}`}
      role="img"
      aria-label={label}
    >
      {marks.map((mark, index) => (
        <path
          key={mark}
          className={reached >= mark ? css.reached : css.open}
          d={ePath(index % 2 ? width : 0, height - unit * (index + 1), width, unit, index % 2 === 1)}
        />
      ))}
    </svg>
  );
}

/** The board with its water, for the deposit page: the largest size. */
export function Gauge({ needed, reached, unit, label }: Props) {
  const marks = graduations(needed);
  const column = Math.round(unit * 0.22);
  const width = Math.round(unit * 1.04);
  const head = Math.round(unit * 0.17);
  const height = unit * marks.length + head;
  const water = level(needed, reached) * unit;
  return (
    <div className={css.gauge} style={{ width, height: height + 4 }} role="img" aria-label={label}>
      <div
        className={css.water}
        style={{ insetInlineStart: column * 2, height: water }}
        data-dry={water === 0 || undefined}
      />
      <svg width={column * 2} height={height} viewBox={`0 0 ${column * 2} ${height}`} aria-hidden="true">
        {marks.map((mark, index) => (
          <path
            key={mark}
            className={reached >= mark ? css.reached : css.open}
            d={ePath(index % 2 ? column : 0, height - unit * (index + 1), column, unit, index % 2 === 1)}
          />
        ))}
      </svg>
      {marks.map((mark, index) => (
        <span
          key={mark}
          aria-hidden="true"
          className={css.numeral}
          data-reached={reached >= mark || undefined}
          style={{ insetBlockEnd: unit * index + 4, height: unit, insetInlineStart: column * 2 + 10 }}
        >
          {mark}
        </span>
      ))}
    </div>
  );
}
