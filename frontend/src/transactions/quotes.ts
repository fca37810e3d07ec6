import { useQueries, useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { walletsListBalancesOptions } from '@/client/@tanstack/react-query.gen';
import { quotesCreate } from '@/client/sdk.gen';
import type { QuotesCreateData, QuotesCreateResponse, WalletsListBalancesResponse } from '@/client/types.gen';
import { compare, isZero, minus, proportion } from '@/money/decimal';
import { secondsUntil, serverNow } from '@/ui/clock';
import type { Draft, Speed } from './draft';

export type Quote = QuotesCreateResponse;
export type Balance = WalletsListBalancesResponse['items'][number];
export type Ask = QuotesCreateData['body'];

/** What the draft asks of one asset; null while something is missing. */
export function askFor(draft: Draft, from: string, payAmount: string | null): Ask | null {
  const { asset, network, address, side, amount, speed, saved } = draft;
  if (!asset || !network || !address) return null;
  const figure = side === 'exact_out' ? amount : payAmount;
  if (!figure) return null;
  return {
    kind: 'withdrawal',
    from_asset: from,
    to_asset: asset,
    network,
    side,
    amount: figure,
    speed,
    ...(saved ? { beneficiary_id: saved.id } : { address }),
  };
}

/** Each price is asked for again this often by itself; then a person has to want it. */
const MOST_ROUNDS = 12;

/** One firm quote for each asset, renewed together when the first of them runs out. */
export function useQuotes(asks: readonly Ask[]) {
  const [round, setRound] = useState(0);
  const before = useRef(new Map<string, Quote>());
  const results = useQueries({
    queries: asks.map((ask) => ({
      queryKey: ['quote', ask, round],
      queryFn: async ({ signal }: { signal: AbortSignal }) =>
        (await quotesCreate({ body: ask, signal, throwOnError: true })).data,
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 60_000,
      refetchOnWindowFocus: false,
    })),
  });
  const current = results.map((result, index) => {
    const from = asks[index]?.from_asset ?? '';
    return {
      from,
      quote: result.data,
      error: result.error,
      old: before.current.get(from),
      pending: result.isPending,
    };
  });
  const soonest = current
    .flatMap(({ quote }) => (quote ? [quote.expires_at] : []))
    .sort()
    .at(0);
  const [tired, setTired] = useState(false);
  const renew = () => {
    for (const { from, quote } of current) if (quote) before.current.set(from, quote);
    setRound((count) => count + 1);
    setTired(false);
  };
  const renewing = useRef(renew);
  renewing.current = renew;
  useEffect(() => {
    if (!soonest) return;
    const wait = Math.max(0, secondsUntil(soonest, serverNow())) * 1000;
    const timer = window.setTimeout(() => {
      if (round >= MOST_ROUNDS || document.hidden) setTired(true);
      else renewing.current();
    }, wait);
    return () => window.clearTimeout(timer);
  }, [soonest, round]);
  return { current, renew, tired };
}

export function useHoldings(): {
  balances: readonly Balance[] | undefined;
  error: unknown;
  refetch: () => void;
} {
  const { data, error, refetch } = useQuery(walletsListBalancesOptions());
  return {
    balances: data?.items.filter((item) => !isZero(item.total)),
    error,
    refetch: () => void refetch(),
  };
}

/** What is missing to pay it, or null when there is enough. */
export function shortBy(quote: Quote, available: string): string | null {
  return compare(quote.debit.amount, available) > 0 ? minus(quote.debit.amount, available) : null;
}

/** The cheapest of those that can be paid; null when none has an estimate. */
export function cheapest(rows: readonly { quote: Quote; available: string }[]): Quote | null {
  let best: Quote | null = null;
  for (const { quote, available } of rows) {
    const cost = quote.total_cost.estimate?.amount;
    if (!cost || shortBy(quote, available)) continue;
    const least = best?.total_cost.estimate?.amount;
    if (least === undefined || compare(cost, least) < 0) best = quote;
  }
  return best;
}

/** About what another speed of the same quote costs in money of account: the quote's own price per unit, no new one. */
export function speedCost(quote: Quote, speed: Speed): string | null {
  const other = quote.speeds.find((one) => one.speed === speed);
  const estimate = quote.total_cost.estimate;
  const paid = quote.total_cost.amount.amount;
  if (!other || !estimate || isZero(paid)) return null;
  if (quote.side === 'exact_in') return null;
  const more = minus(other.debit.amount, quote.debit.amount);
  const cost = minus(paid, minus('0', more));
  return proportion(cost, estimate.amount, paid, 2);
}

/** The life of a quote in seconds. */
export function life(quote: Quote): number {
  return Math.max(1, Math.round((Date.parse(quote.expires_at) - Date.parse(quote.created_at)) / 1000));
}

/** What is left of the debit for the recipient after every fee, still in the asset that is paid with. */
export function converted(quote: Pick<Quote, 'debit' | 'fees'>): string {
  return quote.fees.reduce((rest, fee) => minus(rest, fee.amount.amount), quote.debit.amount);
}
