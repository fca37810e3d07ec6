import { VisuallyHidden } from '@mantine/core';
import { useSyncExternalStore } from 'react';

let said = '';
const listeners = new Set<() => void>();

/** Says something once to those who cannot see it happen. One region for the whole app, so that nothing talks over it. */
export function announce(sentence: string): void {
  // The same sentence twice must be heard twice: an invisible space makes it new.
  said = said === sentence ? `${sentence}\u200a` : sentence;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function StatusRegion() {
  const sentence = useSyncExternalStore(subscribe, () => said);
  return (
    <VisuallyHidden component="div" role="status" aria-live="polite">
      {sentence}
    </VisuallyHidden>
  );
}
