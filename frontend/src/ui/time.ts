const at = (iso: string) => new Date(iso);

let language = 'en-GB';
let generation = 0;

/** By which days and months are named from now on. */
export function setTimeLanguage(tag: string): void {
  language = tag;
  generation += 1;
}

function format(options: Intl.DateTimeFormatOptions): (iso: string) => string {
  let made: Intl.DateTimeFormat | null = null;
  let of = -1;
  return (iso) => {
    if (!made || of !== generation) {
      // Figures stay the ones that amounts and addresses have.
      made = new Intl.DateTimeFormat(language, { hourCycle: 'h23', numberingSystem: 'latn', ...options });
      of = generation;
    }
    return made.format(at(iso));
  };
}

/** 14:03:31 */
export const clock = format({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
/** 14:06 */
export const minute = format({ hour: '2-digit', minute: '2-digit' });
/** 21 Nov */
export const day = format({ day: 'numeric', month: 'short' });
/** 21 November 2026 */
export const longDay = format({ day: 'numeric', month: 'long', year: 'numeric' });

const dayKey = format({ year: 'numeric', month: '2-digit', day: '2-digit' });

export function isSameDay(a: string, b: string): boolean {
  return dayKey(a) === dayKey(b);
}

/** A time of today, or a day and a time: "14:06", "21 Nov, 14:06". */
export function moment(iso: string, now: number): string {
  return isSameDay(iso, new Date(now).toISOString()) ? minute(iso) : `${day(iso)}, ${minute(iso)}`;
}

/** The same to the second. */
export function exactMoment(iso: string, now: number): string {
  return isSameDay(iso, new Date(now).toISOString()) ? clock(iso) : `${day(iso)}, ${clock(iso)}`;
}

/** "Europe/Lisbon" → "Lisbon". */
export function place(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone.split('/').at(-1)?.replaceAll('_', ' ') ?? zone;
}

/** 0:47, 12:05 */
export function minutesSeconds(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${(whole % 60).toString().padStart(2, '0')}`;
}
