import type { DepositsGetResponse } from '@/client/types.gen';

type Told = Pick<DepositsGetResponse, 'state' | 'sub_status' | 'reason' | 'finality'>;

/** Which words say where this deposit stands: its state, or what is special about it. */
export function storyOf(deposit: Told) {
  if (deposit.state === 'held' && deposit.reason) return deposit.reason;
  if (deposit.state === 'reorged' && deposit.sub_status === 'replaced') return 'replaced';
  if (deposit.sub_status === 'awaiting_node') return 'awaiting_node';
  return deposit.state;
}

/** Which words say what happens next. */
export function nextOf(deposit: Told) {
  const story = storyOf(deposit);
  return story === 'confirming' && deposit.finality ? 'finality' : story;
}

/** A token that nobody here knows: its number means nothing, so no figures are shown. */
export function isUnknown(deposit: Pick<DepositsGetResponse, 'contract'>): boolean {
  return deposit.contract !== null;
}
