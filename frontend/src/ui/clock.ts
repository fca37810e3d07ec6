import { useEffect, useState } from 'react';

let skew = 0;

/** Remembers how far this machine's clock is from the server's, so that a countdown ends when the price does. */
export function learnServerTime(dateHeader: string | null): void {
  if (!dateHeader) return;
  const server = Date.parse(dateHeader);
  if (Number.isNaN(server)) return;
  const found = server - Date.now();
  // The header has whole seconds: less than that is not a difference.
  skew = Math.abs(found) > 2000 ? found : 0;
}

export function serverNow(): number {
  return Date.now() + skew;
}

/** The server's time in milliseconds, once every `every` ms while `running`. */
export function useServerNow(every = 1000, running = true): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (!running) return;
    setNow(serverNow());
    const timer = window.setInterval(() => setNow(serverNow()), every);
    return () => window.clearInterval(timer);
  }, [every, running]);
  return now;
}

export function secondsUntil(iso: string, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(iso) - now) / 1000));
}
