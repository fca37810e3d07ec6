import type { ExchangeListCandlesResponse, ExchangeListMarketsResponse } from '@/client/types.gen';
import { compare } from '@/money/decimal';

export type Candle = ExchangeListCandlesResponse['items'][number];
export type Market = ExchangeListMarketsResponse['items'][number];

/** How far back one looks, and in what steps. */
export const RANGES = {
  day: { interval: '15m', limit: 96 },
  week: { interval: '1h', limit: 168 },
  quarter: { interval: '1d', limit: 90 },
} as const;
export type Range = keyof typeof RANGES;
export const RANGE_NAMES: readonly Range[] = ['day', 'week', 'quarter'];

/** What prices are told in, the likeliest first. */
const QUOTES = ['USDT', 'USDC'];

/** The market that tells what one of `asset` is worth; none for what prices are told in. */
export function marketOf(asset: string, markets: readonly Market[]): Market | null {
  const found = QUOTES.flatMap((quote) => markets.filter((one) => one.base === asset && one.quote === quote));
  return QUOTES.includes(asset) ? null : (found[0] ?? null);
}

/** What a row of candles comes to; null for none. Oldest first. */
export function span(candles: readonly Candle[]): { low: string; high: string } | null {
  const [first, ...rest] = candles;
  if (!first) return null;
  return rest.reduce(
    (known, one) => ({
      low: compare(one.low, known.low) < 0 ? one.low : known.low,
      high: compare(one.high, known.high) > 0 ? one.high : known.high,
    }),
    { low: first.low, high: first.high },
  );
}
