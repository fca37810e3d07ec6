import { expect, test } from 'vitest';
import { timeLeft } from './cooling';

const NOW = Date.UTC(2026, 10, 24, 12);
const after = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();

test.each([
  [86_400, '24 h 0 min'],
  [83_041, '23 h 5 min'],
  [3600, '1 h 0 min'],
  [3599, '59:59'],
  [61, '1:01'],
  [0, null],
  [-5, null],
])('%i seconds before it can be paid the page says %s', (seconds, words) => {
  expect(timeLeft(after(seconds), NOW)).toBe(words);
});
