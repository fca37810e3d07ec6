import { decimal, isNegative } from './decimal';

/** Assets people read as money of account: two decimals stay even when they are zero. */
const TWO_KEPT = new Set(['USDT', 'USDC', 'USD', 'EUR']);

/** Digits after this one are too small to weigh at a glance; they are set fainter, never cut. */
export const PLAIN_DIGITS = 8;

let group = ',';
let point = '.';

/** What stands between thousands and before decimals from now on. The figures themselves are the same everywhere. */
export function setFigureLanguage(tag: string): void {
  const parts = new Intl.NumberFormat(tag, { numberingSystem: 'latn' }).formatToParts(0.5);
  point = parts.find(({ type }) => type === 'decimal')?.value === ',' ? ',' : '.';
  // A point between thousands would be a thousandfold mistake for whoever reads it as ours: a thin space is neither.
  group = point === ',' ? '\u202f' : ',';
}

/** For a field that a person may go on typing in: `typed` reads it back as exactly this amount. */
export function fieldFigures(amount: string, unit: string, form: Form = 'short'): string {
  const text = bareFigures(amount, unit, form);
  // Three decimals after a comma look like thousands.
  return point === ',' && /,\d{3}$/.test(text) ? `${text}0` : text;
}

export function decimalPoint(): string {
  return point;
}

export interface Figures {
  readonly sign: '' | '−';
  /** Grouped in thousands. */
  readonly whole: string;
  /** The first eight digits after the point, without it. */
  readonly fraction: string;
  /** The rest. */
  readonly tail: string;
}

/** `short` trims trailing zeros (lists, sentences); `full` shows every decimal of the asset (details, columns that add up). */
export type Form = 'short' | 'full';

export function keptDecimals(unit: string): number {
  return TWO_KEPT.has(unit) ? 2 : 0;
}

export function figures(amount: string, unit: string, form: Form): Figures {
  decimal(amount);
  const bare = amount.replace('-', '');
  const [whole = '0', fraction = ''] = bare.split('.');
  let shown = fraction;
  if (form === 'short') {
    const kept = keptDecimals(unit);
    shown = fraction.replace(/0+$/, '');
    if (shown.length < kept) shown = fraction.slice(0, kept).padEnd(kept, '0');
  }
  return {
    sign: isNegative(amount) ? '−' : '',
    whole: grouped(whole),
    fraction: shown.slice(0, PLAIN_DIGITS),
    tail: shown.slice(PLAIN_DIGITS),
  };
}

export function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+(?!\d))/g, () => group);
}

/** One string, for sentences and names read aloud: "500.00 USDT". */
export function figuresText(amount: string, unit: string, form: Form = 'short'): string {
  return `${bareFigures(amount, unit, form)} ${unit}`;
}

export function bareFigures(amount: string, unit: string, form: Form = 'short'): string {
  const { sign, whole, fraction, tail } = figures(amount, unit, form);
  const decimals = fraction + tail;
  return sign + whole + (decimals ? `${point}${decimals}` : '');
}

/** The widest whole part of a column, in characters, so that its points can be put under each other. */
export function wholeWidth(amounts: readonly { amount: string; asset: string }[]): number {
  return Math.max(
    1,
    ...amounts.map(({ amount, asset }) => {
      const { sign, whole } = figures(amount, asset, 'short');
      // A comma is about half a digit wide; counting it whole only leaves a little air.
      return sign.length + whole.length;
    }),
  );
}

/** "0.0041" → "0.41 %": a share of the wire as people say it. */
export function percent(share: string): string {
  const { units, scale } = decimal(share);
  const hundredths = (units * 10_000n * 2n) / 10n ** BigInt(scale);
  const rounded = (hundredths + 1n) / 2n;
  return `${rounded / 100n}${point}${(rounded % 100n).toString().padStart(2, '0')} %`;
}
