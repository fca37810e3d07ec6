import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { quotesCreate } from '@/client/sdk.gen';
import type { QuotesCreateResponse } from '@/client/types.gen';
import { asProblem, isCode } from '@/ui/problem';

export type Quote = QuotesCreateResponse;
export interface Wanted {
  from: string;
  to: string;
  side: 'exact_in' | 'exact_out';
  amount: string;
}

const REST_MILLISECONDS = 400;
/** A price is asked for again this often by itself; then a person has to want it. */
const MOST_ROUNDS = 20;
const AGAIN_SECONDS = 5;

/** Seconds until it is asked again by itself; null for an answer that stays the same until the question changes. */
function again(error: unknown): number | null {
  if (!isCode(error, 'venue_unavailable', 'no_answer', 'busy')) return null;
  return asProblem(error).fields.retry_after ?? AGAIN_SECONDS;
}

/** A firm price for what was typed, renewed in place while somebody looks; never accepted by itself. */
export function usePrice(wanted: Wanted | null) {
  const [round, setRound] = useState(0);
  const [tired, setTired] = useState(false);
  const before = useRef<Quote | null>(null);
  const failed = useRef<unknown>(null);
  const text = JSON.stringify(wanted);
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => {
      setRested(text);
      setRound(0);
      setTired(false);
      before.current = null;
      failed.current = null;
    }, REST_MILLISECONDS);
    return () => window.clearTimeout(timer);
  }, [text]);
  const asked = JSON.parse(rested) as Wanted | null;
  const query = useQuery<Quote>({
    queryKey: ['conversionQuote', asked, round],
    enabled: asked !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
    refetchInterval: ({ state }) => (again(state.error) ?? 0) * 1000 || false,
    placeholderData: round > 0 ? keepPreviousData : undefined,
    queryFn: async ({ signal }) => {
      if (!asked) throw new Error('nothing is asked for');
      const { data } = await quotesCreate({
        body: {
          kind: 'conversion',
          from_asset: asked.from,
          to_asset: asked.to,
          side: asked.side,
          amount: asked.amount,
        },
        signal,
        throwOnError: true,
      });
      return data;
    },
  });
  const current = text === rested;
  const quote = current ? query.data : undefined;
  // While it is asked again the reason stays: a note that comes and goes would be read out each time.
  if (query.error) failed.current = query.error;
  else if (query.data) failed.current = null;
  const renew = () => {
    before.current = quote ?? null;
    setTired(false);
    setRound((count) => count + 1);
  };
  const onExpired = () => {
    if (document.hidden || round >= MOST_ROUNDS) setTired(true);
    else renew();
  };
  return {
    quote,
    /** The one on the screen has run out and the next is on its way. */
    renewing: query.isPlaceholderData,
    error: current && asked ? failed.current : null,
    /** There is no connection: nothing was asked. */
    offline: asked !== null && query.fetchStatus === 'paused',
    pending: query.isFetching,
    before: before.current,
    tired,
    renew,
    onExpired,
  };
}
