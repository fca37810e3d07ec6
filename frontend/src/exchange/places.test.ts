import { describe, expect, test } from 'vitest';
import { priceText } from '@/money/price';
import { legsOf, marketPrice, shareText } from './places';

const part = (venue: string, market: string, share = '1', price = '64000') => ({
  venue,
  market,
  share,
  price,
});

describe('legsOf', () => {
  test('several venues on one market are one leg', () => {
    const [leg, ...more] = legsOf('BTC', 'USDT', [
      part('binance', 'BTC-USDT', '0.6'),
      part('kraken', 'BTC-USDT', '0.4'),
    ]);
    expect(more).toEqual([]);
    expect(leg).toMatchObject({ give: 'BTC', get: 'USDT' });
    expect(leg?.parts.map(({ venue }) => venue)).toEqual(['binance', 'kraken']);
  });
  test('over a bridge each leg says what becomes what', () => {
    const legs = legsOf('ETH', 'USDC', [part('binance', 'ETH-USDT'), part('kraken', 'USDC-USDT')]);
    expect(legs.map(({ give, get }) => `${give} ${get}`)).toEqual(['ETH USDT', 'USDT USDC']);
  });
  test('nothing exchanged, no leg', () => {
    expect(legsOf('BTC', 'BTC', [])).toEqual([]);
  });
});

describe('prices', () => {
  test.each([
    ['64012.345678901234', '64012.35'],
    ['64000', '64000'],
    ['0.031234567890123', '0.03123457'],
    ['0.0000156213401', '0.00001562134'],
    ['1.00012', '1.00012'],
    ['123456789.5', '123456790'],
    ['0.999999999', '1'],
    ['0', '0'],
  ])('%s is shown as %s', (price, shown) => {
    expect(priceText(price)).toBe(shown);
  });
  test('is turned into the direction in which the market writes it', () => {
    expect(marketPrice({ market: 'BTC-USDT', give: 'BTC' }, '64000.5')).toBe('64000.5');
    expect(marketPrice({ market: 'BTC-USDT', give: 'USDT' }, '0.000015625')).toBe('64000');
  });
});

test.each([
  ['1', '100 %'],
  ['0.6251', '62.5 %'],
  ['0.5', '50 %'],
  ['0.0004', '< 0.1 %'],
  ['0.99999', '> 99.9 %'],
  ['0', '0 %'],
])('a share of %s is shown as %s', (share, shown) => {
  expect(shareText(share)).toBe(shown);
});
