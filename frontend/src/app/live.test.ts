import { expect, test } from 'vitest';
import { touches } from './live';

const change = { kind: 'withdrawal', id: 'w1' };

test('a change touches the page of the thing itself and no other', () => {
  expect(touches([{ _id: 'withdrawalsGet', path: { withdrawal_id: 'w1' } }], change)).toBe(true);
  expect(touches([{ _id: 'withdrawalsGet', path: { withdrawal_id: 'w2' } }], change)).toBe(false);
});

test('a change touches the lists that show it', () => {
  expect(touches([{ _id: 'transactionsList', query: { limit: 20 } }], change)).toBe(true);
  expect(touches([{ _id: 'walletsListBalances' }], change)).toBe(true);
  expect(touches([{ _id: 'depositsList' }], change)).toBe(false);
});

test('a change of an unknown kind, and reads of our own making, are left alone', () => {
  expect(touches([{ _id: 'transactionsList' }], { kind: 'weather', id: 'x' })).toBe(false);
  expect(touches(['quote', {}], change)).toBe(false);
  expect(touches([], change)).toBe(false);
});
