import { expect, test } from 'vitest';
import { spark } from './spark';

test('the line goes from the oldest to the newest, the highest on top', () => {
  expect(spark(['64000', '64100.50', '64050.25'], 200, 40)).toEqual({
    low: '64000',
    high: '64100.50',
    points: '0.0,40.0 100.0,0.0 200.0,20.0',
  });
});

test('a price that stood still runs along the middle', () => {
  expect(spark(['1', '1.0', '1'], 10, 40)?.points).toBe('0.0,20.0 5.0,20.0 10.0,20.0');
});

test('one price makes no line', () => {
  expect(spark([], 10, 10)).toBeNull();
  expect(spark(['1'], 10, 10)).toBeNull();
});
