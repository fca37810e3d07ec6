import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { takeTurns } from './turns';

export type Live = 'connecting' | 'live' | 'polling';

/** How often we ask when the stream is gone. The words on the page say the same number. */
export const POLL_SECONDS = 5;
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

/** What the page with the stream tells the others, and what they ask it. */
type Word =
  | { say: 'open' }
  | { say: 'state'; state: Live }
  | { say: 'change'; change: Change }
  | { say: 'reset' }
  | { say: 'ask' };

/** A page that nobody looks at for so long gives the stream to one that somebody looks at. */
const HIDDEN_MILLISECONDS = 60_000;
const NAME = 'tidegate.live';

/** Holds the stream and tells every word of it. Returns what closes it. */
function listen(tell: (word: Word) => void): () => void {
  let source: EventSource | null = null;
  let reopen: number | undefined;
  const open = () => {
    source?.close();
    source = new EventSource('/api/v1/events');
    source.addEventListener('open', () => tell({ say: 'open' }));
    source.addEventListener('change', (event: MessageEvent<string>) => {
      const change = readChange(event.data);
      if (change) tell({ say: 'change', change });
    });
    source.addEventListener('reset', () => tell({ say: 'reset' }));
    source.addEventListener('error', () => {
      tell({ say: 'state', state: 'polling' });
      // The browser tries again by itself unless the answer was an error; then we do.
      if (source?.readyState === EventSource.CLOSED) reopen = window.setTimeout(open, REOPEN_MILLISECONDS);
    });
  };
  open();
  return () => {
    source?.close();
    window.clearTimeout(reopen);
  };
}

/**
 * One stream a browser, however many pages it shows: the one whose turn it is holds it and tells the others. An event is
 * a hint: the thing that changed is read again. When the stream is gone, every page that is looked at asks for what it
 * shows every five seconds, and says so. Returns what ends it.
 */
export function follow(queries: QueryClient): () => void {
  const channel = new BroadcastChannel(NAME);
  let leave: (() => void) | null = null;
  let leads = false;
  let poll: number | undefined;
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
  const stand = (next: Live) => {
    if (next === 'polling') {
      // The stream fails anew at every try: begun again each time, the five seconds would never be over.
      poll ??= window.setInterval(() => !document.hidden && refreshAll(), POLL_SECONDS * 1000);
    } else {
      window.clearInterval(poll);
      poll = undefined;
    }
    // What happened while nobody listened was not heard.
    if (next === 'live' && state !== 'live') refreshAll();
    become(next);
  };
  const hear = (word: Word) => {
    if (word.say === 'state') stand(word.state);
    else if (word.say === 'reset') refreshAll();
    else if (word.say === 'open') {
      // Another page may have held it before: between the two something can have been missed.
      if (state === 'live') refreshAll();
      stand('live');
    } else if (word.say === 'change') {
      waiting.push(word.change);
      gather ??= window.setTimeout(refreshWaiting, GATHER_MILLISECONDS);
    } else if (leads) channel.postMessage({ say: 'state', state } satisfies Word);
  };
  const lead = () => {
    leads = true;
    const close = listen((word) => {
      channel.postMessage(word);
      hear(word);
    });
    return () => {
      leads = false;
      close();
    };
  };
  const join = () => {
    leave ??= takeTurns(NAME, lead);
    channel.postMessage({ say: 'ask' } satisfies Word);
  };
  const onVisibility = () => {
    window.clearTimeout(hide);
    if (document.hidden) {
      hide = window.setTimeout(() => {
        leave?.();
        leave = null;
      }, HIDDEN_MILLISECONDS);
    } else if (!leave) {
      stand('connecting');
      join();
    }
  };

  channel.addEventListener('message', (event: MessageEvent<Word>) => hear(event.data));
  join();
  document.addEventListener('visibilitychange', onVisibility);
  return () => {
    leave?.();
    channel.close();
    window.clearInterval(poll);
    window.clearTimeout(hide);
    window.clearTimeout(gather);
    document.removeEventListener('visibilitychange', onVisibility);
    become('connecting');
  };
}
