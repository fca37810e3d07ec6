import i18next, { type BackendModule } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { setFigureLanguage } from '@/money/figures';
import { setTimeLanguage } from '@/ui/time';
import { config } from './config';
import { firstLanguage, keepLanguage, kept, languageOf } from './language';

/**
 * Words are data: the server merges an operator's over ours, and English under both, so that a language can be added
 * without a build.
 */
const words: BackendModule = {
  type: 'backend',
  init: () => undefined,
  read: (language, namespace, done) => {
    fetch(`${config.api}/locales/${language}/${namespace}`)
      .then((answer) => {
        if (!answer.ok) throw new Error(`${answer.status}`);
        return answer.json();
      })
      .then((found) => done(null, found))
      .catch((error: Error) => done(error, false));
  },
};

export async function setUpWords(): Promise<void> {
  const first = firstLanguage();
  await i18next
    .use(words)
    .use(initReactI18next)
    .init({
      lng: first.tag,
      // The server has put English under what is missing.
      fallbackLng: false,
      load: 'currentOnly',
      supportedLngs: config.languages.map(({ tag }) => tag),
      ns: ['app', 'ui', 'problems'],
      defaultNS: 'app',
      // React escapes.
      interpolation: { escapeValue: false, defaultVariables: { brand: config.brand.name } },
      returnNull: false,
    });
  arrange(first.tag);
}

/** Dates, numbers and the direction of the page follow the words. */
function arrange(tag: string): void {
  const { direction, format } = languageOf(tag);
  setTimeLanguage(format);
  setFigureLanguage(format);
  document.documentElement.lang = tag;
  document.documentElement.dir = direction;
}

/** Speak another language from now on. Whoever draws the page anew does it afterwards. */
export async function speak(tag: string): Promise<void> {
  const { tag: offered } = languageOf(tag);
  keepLanguage(offered);
  if (i18next.language === offered) return;
  await i18next.changeLanguage(offered);
  arrange(offered);
}

/** The account's language, on a device where nobody has chosen another. */
export async function speakAs(tag: string): Promise<void> {
  if (kept() === null && tag !== 'en') await speak(tag);
}

/** A room brings its own words; they are there before its screens are. */
export async function needWords(...namespaces: string[]): Promise<void> {
  await i18next.loadNamespaces(namespaces);
}
