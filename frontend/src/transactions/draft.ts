import { useSyncExternalStore } from 'react';
import type { Recognised } from '@/app/recognise';
import type {
  QuotesCreateResponse,
  TransfersCreateResponse,
  WithdrawalsCreateResponse,
} from '@/client/types.gen';

export type Speed = 'economy' | 'standard' | 'fast';

/** A quote that is being looked at, and the one key under which it may be accepted, however often we ask. */
export interface Review {
  readonly quote: QuotesCreateResponse;
  readonly key: string;
  /** What the price before this one was, when it replaced one that had run out. */
  readonly before: string | null;
}

/** A saved address, as the payment needs it. */
export interface SavedPayee {
  readonly id: string;
  readonly label: string;
  readonly asset: string;
  readonly network: string;
  readonly address: string;
}

/** A payment being put together. It lives in memory only and belongs to one user. */
export interface Draft {
  readonly owner: string | null;
  readonly text: string;
  readonly found: Recognised | null;
  readonly asset: string | null;
  readonly network: string | null;
  readonly address: string | null;
  readonly label: string | null;
  /** The saved address that was chosen. */
  readonly saved: SavedPayee | null;
  readonly amountText: string;
  /** What they get, as a decimal string, when that is what was typed. */
  readonly amount: string | null;
  readonly side: 'exact_out' | 'exact_in';
  readonly payText: string;
  readonly payMax: boolean;
  readonly from: string | null;
  readonly speed: Speed;
  readonly review: Review | null;
  readonly withdrawal: WithdrawalsCreateResponse | null;
  /** An internal transfer that waits for its code: the way to another user here. */
  readonly transfer: TransfersCreateResponse | null;
}

const EMPTY: Draft = {
  owner: null,
  text: '',
  found: null,
  asset: null,
  network: null,
  address: null,
  label: null,
  saved: null,
  amountText: '',
  amount: null,
  side: 'exact_out',
  payText: '',
  payMax: false,
  from: null,
  speed: 'standard',
  review: null,
  withdrawal: null,
  transfer: null,
};

let draft = EMPTY;
const listeners = new Set<() => void>();

export function changeDraft(part: Partial<Draft>): void {
  draft = { ...draft, ...part };
  for (const listener of listeners) listener();
}

/** A fresh start; also what another user finds. */
export function clearDraft(owner: string | null): void {
  draft = { ...EMPTY, owner };
  for (const listener of listeners) listener();
}

export function currentDraft(): Draft {
  return draft;
}

export function useDraft(): Draft {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => draft,
  );
}

export function newKey(): string {
  return crypto.randomUUID();
}
