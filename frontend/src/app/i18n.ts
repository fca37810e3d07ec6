import i18next, { type BackendModule } from 'i18next';
import { initReactI18next } from 'react-i18next';

/** Words are data: they are read at run time, so that an operator can add a language without a build. */
const words: BackendModule = {
  type: 'backend',
  init: () => undefined,
  read: (language, namespace, done) => {
    fetch(`/locales/${language}/${namespace}.json`)
      .then((answer) => {
        if (!answer.ok) throw new Error(`${answer.status}`);
        return answer.json();
      })
      .then((found) => done(null, found))
      .catch((error: Error) => done(error, false));
  },
};

export async function setUpWords(): Promise<void> {
  await i18next
    .use(words)
    .use(initReactI18next)
    .init({
      lng: 'en',
      fallbackLng: 'en',
      supportedLngs: ['en'],
      ns: ['app', 'ui', 'problems'],
      defaultNS: 'app',
      // React escapes.
      interpolation: { escapeValue: false },
      returnNull: false,
    });
}

/** A room brings its own words; they are there before its screens are. */
export async function needWords(...namespaces: string[]): Promise<void> {
  await i18next.loadNamespaces(namespaces);
}
