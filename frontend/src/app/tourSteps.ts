import { useSyncExternalStore } from 'react';

/** Pay an invoice, watch it, break something; then nothing more is said. */
export type TourStep = 'offer' | 'pay' | 'watch' | 'break' | 'done';

const KEY = 'tidegate.tour';
const STEPS: readonly TourStep[] = ['offer', 'pay', 'watch', 'break', 'done'];

function read(): TourStep {
  try {
    const found = window.localStorage.getItem(KEY);
    return STEPS.find((step) => step === found) ?? 'offer';
  } catch {
    return 'done';
  }
}

let now = read();
const listeners = new Set<() => void>();

export function goTo(step: TourStep): void {
  now = step;
  try {
    window.localStorage.setItem(KEY, step);
  } catch {
    // Then it is offered again next time.
  }
  for (const listener of listeners) listener();
}

export function useTourStep(): TourStep {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => now,
  );
}

/** Where a visitor stands who walks by himself: a payment on its way is watched, whoever clicked what. */
export function stepAt(step: TourStep, path: string): TourStep {
  if (step === 'pay' && path.startsWith('/withdrawals/')) return 'watch';
  if (step === 'watch' && path === '/break') return 'break';
  return step;
}
