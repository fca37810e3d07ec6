import { config, type Language } from './config';

const KEPT = 'tidegate-language';

/** Kept on this device too: the page speaks before anybody has signed in. */
export function kept(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

export function keepLanguage(tag: string): void {
  try {
    localStorage.setItem(KEPT, tag);
  } catch {
    // A browser that keeps nothing asks again.
  }
}

/** The offered language that comes closest to one of these, first wish first; else the first one offered. */
export function closest(wishes: readonly string[], offered: readonly Language[]): Language {
  for (const wish of wishes) {
    const bare = wish.split('-')[0];
    const found =
      offered.find(({ tag }) => tag === wish) ??
      // Made languages are chosen, never guessed.
      offered.find(({ tag, name }) => name === null && tag.split('-')[0] === bare);
    if (found) return found;
  }
  const [first] = offered;
  if (!first) throw new Error('no language is offered');
  return first;
}

/** What this visitor reads: as chosen on this device, else as their browser says. */
export function firstLanguage(): Language {
  const chosen = kept();
  return closest([...(chosen ? [chosen] : []), ...navigator.languages], config.languages);
}

export function languageOf(tag: string): Language {
  return closest([tag], config.languages);
}

/** A language in its own words: "Deutsch". */
export function languageName({ tag, name }: Language): string {
  return name ?? new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
}
