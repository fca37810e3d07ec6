import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { exchangeListMarketsOptions, exchangeListMarketsQueryKey } from '@/client/@tanstack/react-query.gen';
import type { ExchangeListMarketsResponse } from '@/client/types.gen';
import { type Market, readMarket, way } from './market';

/** How often is asked while the stream is not there. */
const ASK_MILLISECONDS = 5000;

/**
 * The markets between two assets, as they stand now. They are streamed while the page is looked at: the stream takes one
 * of the browser's six connections, so a hidden page gives it back at once. Without it they are asked for.
 */
export function useMarkets(from: string | null, to: string | null) {
  const queries = useQueryClient();
  const [live, setLive] = useState(false);
  const list = useQuery({
    ...exchangeListMarketsOptions(),
    staleTime: ASK_MILLISECONDS,
    refetchInterval: live ? false : ASK_MILLISECONDS,
    refetchOnWindowFocus: false,
  });
  const found: readonly Market[] = from && to && list.data ? way(from, to, list.data.items) : [];
  const names = found.map(({ market }) => market).join(' ');
  useEffect(() => {
    if (!names) return;
    return watch(names.split(' '), setLive, (told) => {
      queries.setQueryData<ExchangeListMarketsResponse>(
        exchangeListMarketsQueryKey(),
        (known) =>
          known && { ...known, items: known.items.map((one) => (one.market === told.market ? told : one)) },
      );
    });
  }, [names, queries]);
  return { markets: found, known: list.data !== undefined, error: list.data ? null : list.error };
}

function watch(
  names: readonly string[],
  onLive: (live: boolean) => void,
  onTold: (market: Market) => void,
): () => void {
  let source: EventSource | null = null;
  let reopen: number | undefined;
  const close = () => {
    source?.close();
    source = null;
    window.clearTimeout(reopen);
    onLive(false);
  };
  const open = () => {
    close();
    const asked = new URLSearchParams(names.map((name) => ['market', name]));
    source = new EventSource(`/api/v1/exchange/markets/stream?${asked}`);
    source.addEventListener('open', () => onLive(true));
    source.addEventListener('market', (event: MessageEvent<string>) => {
      const told = readMarket(event.data);
      if (told) onTold(told);
    });
    source.addEventListener('error', () => {
      onLive(false);
      // The browser tries again by itself unless the answer was an error; then we do.
      if (source?.readyState === EventSource.CLOSED) reopen = window.setTimeout(open, ASK_MILLISECONDS);
    });
  };
  const onVisibility = () => (document.hidden ? close() : open());
  if (!document.hidden) open();
  document.addEventListener('visibilitychange', onVisibility);
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    close();
  };
}
