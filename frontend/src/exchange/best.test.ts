import { describe, expect, test } from 'vitest';
import { difference, fine, type Routed, savingOf, venuesOf, waysOf } from './best';

const alone = (venue: string, amount: string | null, hindered: 'too_thin' | null = null) => ({
  venue,
  symbol: `${venue}:BTC`,
  amount: amount === null ? null : { asset: 'USDT', amount },
  hindered,
});
const order = (venue: string) => ({
  venue,
  symbol: 'BTCUSDT',
  side: 'sell' as const,
  quantity: '0.5',
  limit_price: '63900',
  value: '32000',
  fee: '32',
});
const routed = (got: string, ...alternatives: Routed['alternatives']): Routed => ({
  given: { asset: 'BTC', amount: '1.00000000' },
  got: { asset: 'USDT', amount: got },
  rate: '64000',
  orders: [order('kraken'), order('binance'), order('kraken')],
  carried: '0.00000000',
  alternatives,
});

describe('the ways there were', () => {
  test('begin with the route, then the best single venue, and end with who could not', () => {
    const ways = waysOf(
      routed('64000', alone('thin', null, 'too_thin'), alone('binance', '63990.5'), alone('kraken', '63999')),
      'exact_in',
    );
    expect(ways.map(({ venue, worse }) => [venue, worse])).toEqual([
      [null, '0'],
      ['kraken', '1'],
      ['binance', '9.5'],
      ['thin', null],
    ]);
  });
  test('for an exact delivery more to give is worse', () => {
    const dearer = { ...alone('binance', '0'), amount: { asset: 'BTC', amount: '1.00010000' } };
    expect(waysOf(routed('64000', dearer), 'exact_out')[1]).toMatchObject({
      venue: 'binance',
      worse: '0.00010000',
      asset: 'BTC',
    });
  });
  test('none is better than the route by the rounding of a unit', () => {
    expect(waysOf(routed('64000.000000', alone('binance', '64000.000001')), 'exact_in')[1]?.worse).toBe('0');
  });
});

describe('the saving', () => {
  test('is against the best single venue', () => {
    const found = savingOf(
      routed('64000', alone('binance', '63990'), alone('kraken', '63998.5')),
      'exact_in',
    );
    expect(found).toEqual({ venue: 'kraken', amount: '1.5', asset: 'USDT' });
  });
  test('is not claimed where no venue could have done it alone', () => {
    expect(savingOf(routed('64000', alone('thin', null, 'too_thin')), 'exact_in')).toBeNull();
    expect(savingOf(routed('64000'), 'exact_in')).toBeNull();
  });
});

test('a venue that is ordered at twice is one venue', () => {
  expect(venuesOf(routed('64000'))).toEqual(['kraken', 'binance']);
});

test.each([
  ['-0.000123', true, '0.0123 %'],
  ['0.0002', false, '0.02 %'],
  ['0', false, '0.00 %'],
  ['-0.01', true, '1.00 %'],
])('a difference of %s is said with as many decimals as it has', (share, worse, words) => {
  const told = difference(share);
  expect([told.worse, fine(told.size)]).toEqual([worse, words]);
});
