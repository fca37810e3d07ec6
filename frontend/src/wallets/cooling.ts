import { secondsUntil } from '@/ui/clock';
import { minutesSeconds } from '@/ui/time';

const HOUR = 3600;

/** "23 h 4 min" while it is long, "12:05" when one can wait for it; null when it is over. */
export function timeLeft(iso: string, now: number): string | null {
  const seconds = secondsUntil(iso, now);
  if (seconds === 0) return null;
  if (seconds < HOUR) return minutesSeconds(seconds);
  const minutes = Math.ceil(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
