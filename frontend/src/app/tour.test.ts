import { expect, test } from 'vitest';
import { stepAt } from './tourSteps';

test('whoever has paid is shown where the money is', () => {
  expect(stepAt('pay', '/pay')).toBe('pay');
  expect(stepAt('pay', '/withdrawals/7')).toBe('watch');
});

test('whoever has watched may break something, and nothing is skipped', () => {
  expect(stepAt('watch', '/break')).toBe('break');
  expect(stepAt('pay', '/break')).toBe('pay');
  expect(stepAt('offer', '/break')).toBe('offer');
  expect(stepAt('done', '/withdrawals/7')).toBe('done');
});
