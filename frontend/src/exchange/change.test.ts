import { expect, test } from 'vitest';
import { change } from './change';

const quote = (side: 'exact_in' | 'exact_out', debit: string, deliver: string) => ({
  side,
  debit: { asset: 'BTC', amount: debit },
  deliver: { asset: 'USDT', amount: deliver },
});

test('with a fixed debit a smaller delivery is worse', () => {
  expect(change(quote('exact_in', '0.1', '6400'), quote('exact_in', '0.1', '6401'))).toEqual({
    worse: true,
    amount: '1',
    asset: 'USDT',
  });
});

test('with a fixed delivery a larger debit is worse', () => {
  const found = change(quote('exact_out', '0.00782224', '500'), quote('exact_out', '0.00782112', '500'));
  expect(found).toEqual({ worse: true, amount: '0.00000112', asset: 'BTC' });
});

test('the same price is no news, and another question is no comparison', () => {
  expect(change(quote('exact_out', '0.1', '500'), quote('exact_out', '0.1', '500'))).toBeNull();
  expect(change(quote('exact_out', '0.1', '500'), quote('exact_in', '0.2', '500'))).toBeNull();
  expect(change(quote('exact_out', '0.1', '500'), null)).toBeNull();
});
