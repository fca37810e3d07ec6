import { readFileSync } from 'node:fs';
import { MantineProvider } from '@mantine/core';
import { render } from '@testing-library/react';
import i18next from 'i18next';
import type { ReactElement } from 'react';
import { initReactI18next } from 'react-i18next';
import { vi } from 'vitest';
import { StatusRegion } from './announce';

// vitest runs in the folder of package.json.
const words = (name: string) => JSON.parse(readFileSync(`public/locales/en/${name}.json`, 'utf8'));
const nothing = () => undefined;

/** For tests of components: the words, and what jsdom has not. */
export async function prepare(): Promise<void> {
  vi.stubGlobal('matchMedia', () => ({
    matches: false,
    addEventListener: nothing,
    removeEventListener: nothing,
  }));
  // A text field that grows waits for its face.
  Object.defineProperty(document, 'fonts', {
    value: { addEventListener: nothing, removeEventListener: nothing },
    configurable: true,
  });
  await i18next.use(initReactI18next).init({
    lng: 'en',
    resources: { en: { ui: words('ui'), problems: words('problems') } },
    interpolation: { escapeValue: false },
  });
}

const framed = (shown: ReactElement) => (
  <MantineProvider>
    <StatusRegion />
    {shown}
  </MantineProvider>
);

/** On the screen, with the one region that speaks. `again` shows it with other properties. */
export function show(shown: ReactElement): { again: (next: ReactElement) => void } {
  const { rerender } = render(framed(shown));
  return { again: (next) => rerender(framed(next)) };
}
