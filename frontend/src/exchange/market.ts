import type { ExchangeListMarketsResponse } from '@/client/types.gen';
import { minus, plus, proportion } from '@/money/decimal';

export type Market = ExchangeListMarketsResponse['items'][number];
export type Source = Market['sources'][number];

/** What is exchanged for almost anything, in the order in which the server prefers it. */
const BRIDGES = ['USDT', 'USDC', 'BTC'];

/** The markets from one asset to another: the direct one, else two over what both are traded against; else none. */
export function way(from: string, to: string, markets: readonly Market[]): readonly Market[] {
  if (from === to) return [];
  const between = (one: string, other: string) =>
    markets.find(({ base, quote }) => (base === one && quote === other) || (base === other && quote === one));
  const direct = between(from, to);
  if (direct) return [direct];
  for (const bridge of BRIDGES) {
    const [first, last] = [between(from, bridge), between(bridge, to)];
    if (first && last && bridge !== from && bridge !== to) return [first, last];
  }
  return [];
}

/** A market as it can be said: what may be used, or else the last that was seen, or nothing. */
export type Standing =
  | { kind: 'live'; mid: string; bid: string; ask: string; asOf: string; venues: readonly string[] }
  | { kind: 'old'; mid: string; asOf: string; venue: string }
  | { kind: 'none' };

export function standing(market: Market): Standing {
  const { mid, bid, ask, as_of: asOf } = market;
  if (mid && bid && ask && asOf) {
    const usable = market.sources.filter((source) => source.usable);
    return { kind: 'live', mid, bid, ask, asOf, venues: [...new Set(usable.map(({ venue }) => venue))] };
  }
  const seen = market.sources.filter((source) => source.bid && source.ask && source.as_of);
  const last = seen.sort((a, b) => Date.parse(b.as_of ?? '') - Date.parse(a.as_of ?? ''))[0];
  if (!last?.bid || !last.ask || !last.as_of) return { kind: 'none' };
  return { kind: 'old', mid: middle(last.bid, last.ask), asOf: last.as_of, venue: last.venue };
}

function middle(bid: string, ask: string): string {
  return plus(bid, proportion(minus(ask, bid), '1', '2', 12));
}

/** Whole seconds since then, by the server's clock. */
export function ageOf(asOf: string, now: number): number {
  return Math.max(0, Math.round((now - Date.parse(asOf)) / 1000));
}

/** Reads one event of the stream; null for what is not a market. */
export function readMarket(data: string): Market | null {
  try {
    const found = JSON.parse(data) as Partial<Market>;
    return typeof found.market === 'string' && Array.isArray(found.sources) ? (found as Market) : null;
  } catch {
    return null;
  }
}
