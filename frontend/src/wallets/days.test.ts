import { describe, expect, test } from 'vitest';
import { asDay, momentsOf, month, readDays } from './days';

describe('days in the address bar', () => {
  test.each(['2026-02-28', '2024-02-29', '2000-01-01'])('%s is a day', (text) => {
    expect(asDay(text)).toBe(text);
  });

  test.each([
    '2026-02-30',
    '2026-13-01',
    '0002-01-01',
    '2026-1-1',
    '2026-01-01T00:00:00Z',
    '',
    20260101,
    null,
  ])('%s is none', (value) => {
    expect(asDay(value)).toBeUndefined();
  });

  test('what makes no sense is left out', () => {
    expect(readDays({ from: '2026-01-05', to: 'soon', other: 1 })).toEqual({ from: '2026-01-05' });
    expect(readDays({ from: '2026-01-05', to: '2026-01-04' })).toEqual({ to: '2026-01-04' });
    expect(readDays({})).toEqual({});
  });
});

test('the days of a range are whole: from the first moment to the one after the last', () => {
  const { from, to } = momentsOf({ from: '2026-01-31', to: '2026-01-31' });
  expect(from).toBe(new Date(2026, 0, 31).toISOString());
  expect(to).toBe(new Date(2026, 1, 1).toISOString());
  expect(momentsOf({})).toEqual({});
});

test('a month is from its first day to its last, over the turn of the year', () => {
  const now = new Date(2026, 0, 15, 12).getTime();
  expect(month(now, 0)).toEqual({ from: '2026-01-01', to: '2026-01-31' });
  expect(month(now, 1)).toEqual({ from: '2025-12-01', to: '2025-12-31' });
});
