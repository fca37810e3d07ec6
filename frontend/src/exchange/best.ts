import type { AlternativeOut, BestExecutionOut, RoutedOut } from '@/client/types.gen';
import { absolute, compare, isNegative, minus, proportion } from '@/money/decimal';

export type Execution = BestExecutionOut;
export type Routed = RoutedOut;

/** One way to have made the exchange: all of the route, or one venue alone. `worse`: by how much, none for the route. */
export interface Way {
  /** null is the route that was taken. */
  venue: string | null;
  amount: string | null;
  asset: string;
  worse: string | null;
  hindered: AlternativeOut['hindered'];
}

/** The route and every single venue for the same size, best first; those that could not at the end. */
export function waysOf(routed: Routed, side: Execution['side']): readonly Way[] {
  const taken = side === 'exact_in' ? routed.got : routed.given;
  const alone = routed.alternatives.map((one): Way => {
    const amount = one.amount?.amount ?? null;
    const worse = amount && (side === 'exact_in' ? minus(taken.amount, amount) : minus(amount, taken.amount));
    return {
      venue: one.venue,
      amount,
      asset: taken.asset,
      // The rounding of a unit makes no way better than the route.
      worse: worse && isNegative(worse) ? '0' : worse,
      hindered: one.hindered,
    };
  });
  alone.sort((a, b) => {
    if (a.worse === null || b.worse === null) return Number(a.worse === null) - Number(b.worse === null);
    return compare(a.worse, b.worse);
  });
  return [{ venue: null, amount: taken.amount, asset: taken.asset, worse: '0', hindered: null }, ...alone];
}

/** What the route saved against the best single venue; null where none could have done it alone. */
export function savingOf(
  routed: Routed,
  side: Execution['side'],
): { venue: string; amount: string; asset: string } | null {
  const [, best] = waysOf(routed, side);
  return best?.venue && best.worse !== null
    ? { venue: best.venue, amount: best.worse, asset: best.asset }
    : null;
}

/** The venues a leg is ordered at; more than one is a split. */
export function venuesOf(routed: Routed): readonly string[] {
  return [...new Set(routed.orders.map(({ venue }) => venue))];
}

/** A signed share of the wire: whether it was worse, and by how much. */
export function difference(share: string): { worse: boolean; size: string } {
  return { worse: isNegative(share), size: absolute(share) };
}

/** "0.000123" → "0.0123 %": hedges differ by less than two decimals can tell. */
export function fine(share: string): string {
  const [whole, fraction = ''] = proportion(share, '100', '1', 4).split('.');
  const kept = fraction.replace(/0+$/, '').padEnd(2, '0');
  return `${whole}.${kept} %`;
}
