import type { LinksTrackResponse } from '@/client/types.gen';

export type Tracked = LinksTrackResponse;

/** Which words say it; "By" where there is a time to name. Pure. */
export function words(found: Tracked): {
  heading: 'preparing' | 'sent' | 'confirming' | 'confirmingBy' | 'arrived' | 'stopped';
  next:
    | 'preparing'
    | 'preparingBy'
    | 'sent'
    | 'sentBy'
    | 'confirming'
    | 'confirmingBy'
    | 'arrived'
    | 'stopped';
} {
  const { stage } = found;
  if (stage === 'arrived' || stage === 'stopped') return { heading: stage, next: stage };
  const by = found.expected_by !== null;
  const heading = stage === 'confirming' && by ? 'confirmingBy' : stage;
  return { heading, next: by ? `${stage}By` : stage };
}

/** Whether it will change any more. */
export function isOver(found: Pick<Tracked, 'stage'> | undefined): boolean {
  return found?.stage === 'arrived' || found?.stage === 'stopped';
}
