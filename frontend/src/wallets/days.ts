/** Days as the address bar has them, and the moments that the server is asked about: whole days of this place. */

const DAY = /^\d{4}-\d{2}-\d{2}$/;

export interface Days {
  from?: string;
  to?: string;
}

/** A day that there is, of this age; a date field tells years like 0002 while one is typing. */
export function asDay(value: unknown): string | undefined {
  if (typeof value !== 'string' || !DAY.test(value) || value < '2000-01-01') return undefined;
  const found = new Date(`${value}T12:00:00Z`);
  return !Number.isNaN(found.getTime()) && found.toISOString().startsWith(value) ? value : undefined;
}

/** Only days that make sense together: what ends before it begins has no beginning. */
export function readDays(search: Record<string, unknown>): Days {
  const from = asDay(search.from);
  const to = asDay(search.to);
  return { ...(from && !(to && to < from) && { from }), ...(to && { to }) };
}

const pad = (value: number, width = 2) => value.toString().padStart(width, '0');
const key = (date: Date) =>
  `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;

/** From the first moment of `from` up to, not including, the first moment after `to`. */
export function momentsOf(days: Days): { from?: string; to?: string } {
  const at = (day: string, more: number) => {
    const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
    return new Date(year, month - 1, date + more).toISOString();
  };
  return { ...(days.from && { from: at(days.from, 0) }), ...(days.to && { to: at(days.to, 1) }) };
}

/** The month `back` months before this one. */
export function month(now: number, back: number): Required<Days> {
  const today = new Date(now);
  const first = new Date(today.getFullYear(), today.getMonth() - back, 1);
  const last = new Date(today.getFullYear(), today.getMonth() - back + 1, 0);
  return { from: key(first), to: key(last) };
}
