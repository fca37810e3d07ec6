import { compare, minus, permille } from '@/money/decimal';

export interface Spark {
  low: string;
  high: string;
  /** Points of an SVG polyline in a box of `width` by `height`, oldest first. */
  points: string;
}

/** Closing prices, oldest first, as a line; null for fewer than two, which make none. */
export function spark(closes: readonly string[], width: number, height: number): Spark | null {
  const [first, ...rest] = closes;
  if (first === undefined || rest.length === 0) return null;
  const low = closes.reduce((least, price) => (compare(price, least) < 0 ? price : least), first);
  const high = closes.reduce((most, price) => (compare(price, most) > 0 ? price : most), first);
  const span = minus(high, low);
  const points = closes.map((price, at) => {
    const x = (at * width) / rest.length;
    // A price that stood still runs along the middle.
    const y =
      compare(span, '0') > 0 ? height - (permille(minus(price, low), span) * height) / 1000 : height / 2;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return { low, high, points: points.join(' ') };
}
