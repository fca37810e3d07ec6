import { expect, test } from 'vitest';
import { type Candle, type Market, marketOf, span } from './prices';

const market = (base: string, quote: string) => ({ market: `${base}-${quote}`, base, quote }) as Market;
const candle = (low: string, high: string): Candle => ({
  start: '2026-01-01T00:00:00Z',
  open: low,
  high,
  low,
  close: high,
  volume: '1',
});

test('the price of an asset is told in the first money of account there is a market in', () => {
  const markets = [market('ETH', 'BTC'), market('BTC', 'USDC'), market('BTC', 'USDT')];
  expect(marketOf('BTC', markets)?.market).toBe('BTC-USDT');
  expect(marketOf('ETH', markets)).toBeNull();
});

test('what prices are told in has no price of its own', () => {
  expect(marketOf('USDC', [market('USDC', 'USDT')])).toBeNull();
});

test('the span is exact to the last digit, however many there are', () => {
  expect(span([candle('0.100000000000000001', '9'), candle('0.1', '10')])).toEqual({
    low: '0.1',
    high: '10',
  });
  expect(span([])).toBeNull();
});
