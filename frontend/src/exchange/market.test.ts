import { describe, expect, test } from 'vitest';
import { ageOf, type Market, readMarket, standing, way } from './market';

const market = (name: string, more: Partial<Market> = {}): Market => {
  const [base = '', quote = ''] = name.split('-');
  return { market: name, base, quote, mid: null, bid: null, ask: null, as_of: null, sources: [], ...more };
};
const source = (venue: string, as_of: string, usable: boolean) => ({
  venue,
  market: 'BTC-USDT',
  bid: '64000',
  ask: '64001',
  as_of,
  age_seconds: '0.5',
  usable,
  reason: usable ? null : 'stale',
});
const names = (found: readonly Market[]) => found.map((one) => one.market);

describe('the way from one asset to another', () => {
  const all = ['BTC-USDT', 'ETH-USDT', 'USDC-USDT', 'ETH-BTC'].map((name) => market(name));
  test('is the market between them, whichever way round it is written', () => {
    expect(names(way('BTC', 'USDT', all))).toEqual(['BTC-USDT']);
    expect(names(way('USDT', 'BTC', all))).toEqual(['BTC-USDT']);
  });
  test('goes over what both are traded against, as the server prefers it', () => {
    expect(names(way('ETH', 'USDC', all))).toEqual(['ETH-USDT', 'USDC-USDT']);
    expect(names(way('USDC', 'BTC', all))).toEqual(['USDC-USDT', 'BTC-USDT']);
  });
  test('may not be there', () => {
    expect(way('BTC', 'XRP', all)).toEqual([]);
    expect(way('BTC', 'BTC', all)).toEqual([]);
  });
});

describe('how a market stands', () => {
  const at = '2026-01-01T00:00:00.000Z';
  test('live, with who may be quoted from', () => {
    const told = market('BTC-USDT', {
      mid: '64000.5',
      bid: '64000',
      ask: '64001',
      as_of: at,
      sources: [source('kraken', at, true), source('binance', at, false)],
    });
    expect(standing(told)).toEqual({
      kind: 'live',
      mid: '64000.5',
      bid: '64000',
      ask: '64001',
      asOf: at,
      venues: ['kraken'],
    });
  });
  test('old: the last that was seen, when none may be used', () => {
    const older = source('binance', '2025-12-31T23:59:00.000Z', false);
    const told = market('BTC-USDT', { sources: [older, source('kraken', at, false)] });
    expect(standing(told)).toMatchObject({
      kind: 'old',
      mid: '64000.500000000000',
      asOf: at,
      venue: 'kraken',
    });
  });
  test('nothing was ever seen', () => {
    const silent = { ...source('kraken', at, false), bid: null, ask: null, as_of: null };
    expect(standing(market('BTC-USDT', { sources: [silent] }))).toEqual({ kind: 'none' });
  });
});

test('an age is in whole seconds and never in the future', () => {
  const now = Date.parse('2026-01-01T00:00:10Z');
  expect(ageOf('2026-01-01T00:00:07.600Z', now)).toBe(2);
  expect(ageOf('2026-01-01T00:00:11Z', now)).toBe(0);
});

test('what is no market is left alone', () => {
  expect(readMarket('{"market":"BTC-USDT","sources":[]}')?.market).toBe('BTC-USDT');
  for (const data of ['', 'null', '[]', '{"market":1}', '{"market":"BTC-USDT"}'])
    expect(readMarket(data)).toBeNull();
});
