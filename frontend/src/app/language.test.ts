import { expect, test } from 'vitest';
import type { Language } from './config';
import { closest, languageName, languageOf } from './language';

const language = (tag: string, name: string | null = null): Language => ({
  tag,
  name,
  direction: 'ltr',
  format: tag,
});
const OFFERED = [language('en'), language('de'), language('pt-BR'), language('en-XA', 'Made')];

test.each([
  [['de-AT', 'en'], 'de'],
  [['pt'], 'pt-BR'],
  [['pt-BR'], 'pt-BR'],
  [['fr', 'de'], 'de'],
  [['fr'], 'en'],
  [[], 'en'],
  [['en-US'], 'en'],
  [['en-XA', 'de'], 'en-XA'],
])('who wishes for %j reads %s', (wishes, tag) => {
  expect(closest(wishes, OFFERED).tag).toBe(tag);
});

test('a made language is never guessed', () => {
  expect(closest(['en-GB'], [language('de'), language('en-XA', 'Made')]).tag).toBe('de');
});

test('a language is called by its own name', () => {
  expect(languageName(language('de'))).toBe('Deutsch');
  expect(languageName(language('en-XA', 'Made'))).toBe('Made');
});

test('a language that is no longer offered is the first that is', () => {
  expect(languageOf('xx').tag).toBe('en');
});
