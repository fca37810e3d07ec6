import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

export type Live = 'connecting' | 'live' | 'polling';

/** How often we ask when the stream is gone. The words on the page say the same number. */
export const POLL_SECONDS = 5;
const HIDDEN_MILLISECONDS = 60_000;
const REOPEN_MILLISECONDS = 5_000;
const GATHER_MILLISECONDS = 80;

/** Which reads a change of each kind touches, by operation. An operation with a path is touched only for its own id. */
const TOUCHED: Record<string, readonly string[]> = {
  withdrawal: ['withdrawalsGet', 'transactionsList', 'walletsListBalances', 'walletsGetStatement'],
  deposit: ['depositsGet', 'depositsList', 'transactionsList', 'walletsListBalances', 'walletsGetStatement'],
  conversion: ['conversionsGet', 'transactionsList', 'walletsListBalances', 'walletsGetStatement'],
  transfer: ['transfersGet', 'transactionsList', 'walletsListBalances', 'walletsGetStatement'],
  balance: ['walletsListBalances', 'walletsGetStatement'],
  address: ['addressesList'],
  beneficiary: ['beneficiariesList'],
  account: ['authGetMe', 'authListSessions'],
  webhook: ['webhooksList'],
};
const ALL = new Set(Object.values(TOUCHED).flat());

let state: Live = 'connecting';
const listeners = new Set<() => void>();

function become(next: Live): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

export function useLive(): Live {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

interface Change {
  kind: string;
  id: string;
}

function readChange(data: string): Change | null {
  try {
    const found = JSON.parse(data) as Partial<Change>;
    return typeof found.kind === 'string' && typeof found.id === 'string'
      ? { kind: found.kind, id: found.id }
      : null;
  } catch {
    return null;
  }
}

interface KeyHead {
  _id?: string;
  path?: Record<string, unknown>;
}

/** Does this read show the thing that changed? */
export function touches(key: QueryKey, change: Change): boolean {
  const head = key[0] as KeyHead | undefined;
  const operations = TOUCHED[change.kind];
  if (!head?._id || !operations?.includes(head._id)) return false;
  return !head.path || Object.values(head.path).includes(change.id);
}

/**
 * One stream a page. An event is a hint: the thing that changed is read again. When the stream is gone, everything on
 * the screen is asked for every five seconds, and the screen says so. Returns what ends it.
 */
export function follow(queries: QueryClient): () => void {
  let source: EventSource | null = null;
  let poll: number | undefined;
  let reopen: number | undefined;
  let hide: number | undefined;
  let gather: number | undefined;
  let waiting: Change[] = [];

  const refreshAll = () => {
    void queries.invalidateQueries({
      predicate: ({ queryKey }) => ALL.has((queryKey[0] as KeyHead)?._id ?? ''),
    });
  };
  const refreshWaiting = () => {
    gather = undefined;
    const changes = waiting;
    waiting = [];
    void queries.invalidateQueries({
      predicate: ({ queryKey }) => changes.some((change) => touches(queryKey, change)),
    });
  };
  const startPolling = () => {
    become('polling');
    poll ??= window.setInterval(refreshAll, POLL_SECONDS * 1000);
  };
  const stopPolling = () => {
    window.clearInterval(poll);
    poll = undefined;
  };
  const close = () => {
    source?.close();
    source = null;
    window.clearTimeout(reopen);
  };
  const open = () => {
    close();
    source = new EventSource('/api/v1/events');
    source.addEventListener('open', () => {
      stopPolling();
      // What happened while nobody listened was not heard.
      if (state !== 'live') refreshAll();
      become('live');
    });
    source.addEventListener('change', (event: MessageEvent<string>) => {
      const change = readChange(event.data);
      if (!change) return;
      waiting.push(change);
      gather ??= window.setTimeout(refreshWaiting, GATHER_MILLISECONDS);
    });
    source.addEventListener('reset', refreshAll);
    source.addEventListener('error', () => {
      startPolling();
      // The browser tries again by itself unless the answer was an error; then we do.
      if (source?.readyState === EventSource.CLOSED) reopen = window.setTimeout(open, REOPEN_MILLISECONDS);
    });
  };
  // A stream holds one of the browser's six connections: a page nobody looks at gives it back.
  const onVisibility = () => {
    window.clearTimeout(hide);
    if (document.hidden) {
      hide = window.setTimeout(close, HIDDEN_MILLISECONDS);
    } else if (!source) {
      become('connecting');
      open();
    }
  };

  open();
  document.addEventListener('visibilitychange', onVisibility);
  return () => {
    close();
    stopPolling();
    window.clearTimeout(hide);
    window.clearTimeout(gather);
    document.removeEventListener('visibilitychange', onVisibility);
    become('connecting');
  };
}
