import type { WithdrawalsGetResponse } from '@/client/types.gen';
import { minus } from '@/money/decimal';
import type { Chamber } from '@/ui/Lock';

/** A withdrawal as its page tells it: pure, so that every state can be tested. */
export type Withdrawal = WithdrawalsGetResponse;
type Attempt = Withdrawal['attempts'][number];
type Event = Withdrawal['events'][number];

const BEFORE_SENDING = new Set([
  'pending_verification',
  'pending_screening',
  'pending_approval',
  'queued',
  'signing',
]);
const REFUNDED = new Set(['cancelled', 'rejected', 'expired', 'failed']);

export function isOver(withdrawal: Pick<Withdrawal, 'state'>): boolean {
  return withdrawal.state === 'completed' || REFUNDED.has(withdrawal.state);
}

export function isRefunded(withdrawal: Pick<Withdrawal, 'state'>): boolean {
  return REFUNDED.has(withdrawal.state);
}

/** Which chamber of the lock the money lies in. */
export function chamber(withdrawal: Pick<Withdrawal, 'state'>): Chamber {
  if (withdrawal.state === 'completed') return 'recipient';
  if (withdrawal.state === 'broadcasting' || withdrawal.state === 'confirming') return 'network';
  return 'balance';
}

/** The attempt that counts: the one that won or may still win; else the newest. */
export function liveAttempt(withdrawal: Pick<Withdrawal, 'attempts'>): Attempt | null {
  const dead = new Set(['replaced', 'dropped', 'reverted']);
  return (
    withdrawal.attempts.findLast((attempt) => !dead.has(attempt.state)) ?? withdrawal.attempts.at(-1) ?? null
  );
}

export function confirmations(withdrawal: Withdrawal, needed: number): { reached: number; needed: number } {
  const attempt = liveAttempt(withdrawal);
  const all = attempt?.confirmations_required ?? needed;
  if (withdrawal.state === 'completed') return { reached: all, needed: all };
  return { reached: chamber(withdrawal) === 'network' ? (attempt?.confirmations ?? 0) : 0, needed: all };
}

/** When a state was first entered. */
export function enteredAt(events: readonly Event[], ...states: string[]): string | null {
  return events.find((event) => states.includes(event.state))?.at ?? null;
}

/** When it was entered the last time: after a reorganisation a payment confirms twice. */
function lastEnteredAt(events: readonly Event[], state: string): string | null {
  const at = events.findLastIndex((event) => event.state !== state);
  return events.slice(at + 1).find((event) => event.state === state)?.at ?? null;
}

const AFTER_VERIFYING = [
  'pending_screening',
  'pending_approval',
  'queued',
  'signing',
  'broadcasting',
  'confirming',
  'completed',
  'rejected',
  'failed',
];
const AFTER_CHECKING = ['queued', 'signing', 'broadcasting', 'confirming', 'completed', 'failed'];

export type StepKey = 'confirmed' | 'converted' | 'checked' | 'sent' | 'confirming' | 'final';

export interface StepOfStory {
  readonly key: StepKey | 'ended';
  readonly state: 'past' | 'now' | 'later' | 'ended';
  readonly at: string | null;
}

/** The steps in order, with exactly one `now` while it goes on. */
export function steps(withdrawal: Withdrawal): StepOfStory[] {
  const { events, state } = withdrawal;
  const verified = enteredAt(events, ...AFTER_VERIFYING);
  const checked = enteredAt(events, ...AFTER_CHECKING);
  const sent = liveAttempt(withdrawal)?.sent_at ?? enteredAt(events, 'confirming', 'completed');
  const done = withdrawal.completed_at ?? enteredAt(events, 'completed');
  const deep = state === 'confirming' ? lastEnteredAt(events, 'confirming') : enteredAt(events, 'confirming');
  const order: { key: StepKey; done: boolean; at: string | null }[] = [
    { key: 'confirmed', done: verified !== null, at: verified },
    ...(withdrawal.debit.asset === withdrawal.deliver.asset
      ? []
      : [{ key: 'converted' as const, done: verified !== null, at: verified }]),
    { key: 'checked', done: checked !== null, at: checked },
    { key: 'sent', done: state === 'confirming' || state === 'completed', at: sent },
    { key: 'confirming', done: state === 'completed', at: deep },
    { key: 'final', done: state === 'completed', at: done },
  ];
  if (isRefunded(withdrawal)) {
    const past = order
      .filter((step) => step.done)
      .map(({ key, at }) => ({ key, at, state: 'past' as const }));
    return [...past, { key: 'ended', state: 'ended', at: enteredAt(events, state) ?? withdrawal.since }];
  }
  const current = order.findIndex((step) => !step.done);
  return order.map(({ key, at, done: passed }, index) => ({
    key,
    at: passed || index === current ? at : null,
    state: passed ? 'past' : index === current ? 'now' : 'later',
  }));
}

/** Which words tell it: the sub status speaks before the state does. */
export function sentenceKey(withdrawal: Pick<Withdrawal, 'state' | 'sub_status'>, reached: number): string {
  const { state, sub_status: sub } = withdrawal;
  if (sub && !isOver(withdrawal) && sub !== 'replaced' && sub !== 'slower_than_usual') return `sub.${sub}`;
  if (state === 'confirming') return reached > 0 ? 'confirming' : 'unconfirmed';
  return state;
}

export function isBeforeSending(withdrawal: Pick<Withdrawal, 'state'>): boolean {
  return BEFORE_SENDING.has(withdrawal.state);
}

/**
 * What came back: before the conversion the whole debit, after it what was to be delivered. A payment that the network
 * took and did not make has cost its network fee.
 */
export function refund(withdrawal: Withdrawal): { amount: string; asset: string } {
  const { attempts, debit, deliver, events, fees } = withdrawal;
  const verified = enteredAt(events, ...AFTER_VERIFYING);
  if (debit.asset !== deliver.asset && verified) return deliver;
  const kept = attempts.some((attempt) => attempt.state === 'reverted')
    ? fees.find((fee) => fee.kind === 'network')
    : undefined;
  return kept ? { ...debit, amount: minus(debit.amount, kept.amount.amount) } : debit;
}

/** Whole seconds from the code to the arrival. */
export function took(withdrawal: Withdrawal): number | null {
  const from = enteredAt(withdrawal.events, ...AFTER_VERIFYING);
  const to = withdrawal.completed_at;
  if (!from || !to) return null;
  return Math.max(1, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
}
