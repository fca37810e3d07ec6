import { readFileSync } from 'node:fs';
import { MantineProvider } from '@mantine/core';
import { cleanup, render, screen, within } from '@testing-library/react';
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Execution, Routed } from './best';
import { RouteBars } from './RouteBars';
import { Why } from './Why';

// vitest runs in the folder of package.json.
const read = (name: string) => JSON.parse(readFileSync(`public/locales/en/${name}.json`, 'utf8'));

beforeAll(async () => {
  const nothing = () => undefined;
  vi.stubGlobal('matchMedia', () => ({
    matches: false,
    addEventListener: nothing,
    removeEventListener: nothing,
  }));
  await i18next.use(initReactI18next).init({
    lng: 'en',
    resources: { en: { exchange: read('exchange'), ui: read('ui') } },
    interpolation: { escapeValue: false },
  });
});
afterEach(cleanup);

const part = (venue: string, market: string, share: string, price: string) => ({
  venue,
  market,
  share,
  price,
});

function shown(route: ReturnType<typeof part>[], from: string, to: string) {
  render(<RouteBars quote={{ from_asset: from, to_asset: to, route }} />);
  return screen.getByRole('region', { name: 'Where this price comes from' });
}

test('a split shows each venue with its share and its price as the market writes it', () => {
  const route = [
    part('kraken', 'BTC-USDT', '0.625', '0.000015625'),
    part('binance', 'BTC-USDT', '0.375', '0.00001562'),
  ];
  const rows = within(shown(route, 'USDT', 'BTC')).getAllByRole('listitem');
  expect(rows.map((row) => row.textContent)).toEqual([
    'Kraken62.5 %1 BTC at 64,000.00 USDT',
    'Binance37.5 %1 BTC at 64,020.49 USDT',
  ]);
});

test('over a bridge both legs are shown, and why', () => {
  const route = [part('binance', 'ETH-USDT', '1', '3000'), part('kraken', 'USDC-USDT', '1', '0.9999')];
  const region = shown(route, 'ETH', 'USDC');
  const lists = within(region).getAllByRole('list');
  expect(lists.map((list) => list.getAttribute('aria-label'))).toEqual([
    'ETH becomes USDT',
    'USDT becomes USDC',
  ]);
  expect(region.textContent).toContain('so it goes over USDT');
});

const seen = (venue: string, more: Partial<Execution['books'][number]> = {}) => ({
  venue,
  market: 'BTC-USDT',
  symbol: 'BTCUSDT',
  digest: 'd',
  sequence: 7,
  as_of: '2026-01-01T00:00:00.000Z',
  age_seconds: '0.250',
  bid: { price: '63999.50', quantity: '1' },
  ask: { price: '64000.50', quantity: '1' },
  left_out: null,
  ...more,
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
const routed = (more: Partial<Routed> = {}): Routed => ({
  given: { asset: 'BTC', amount: '1.00000000' },
  got: { asset: 'USDT', amount: '63999.000000' },
  rate: '64000',
  orders: [order('binance'), order('kraken')],
  carried: '0.00000000',
  alternatives: [
    {
      venue: 'binance',
      symbol: 'BTCUSDT',
      amount: { asset: 'USDT', amount: '63990.500000' },
      hindered: null,
    },
    { venue: 'kraken', symbol: 'XBTUSDT', amount: { asset: 'USDT', amount: '63997.500000' }, hindered: null },
    { venue: 'coinbase', symbol: 'BTC-USDT', amount: null, hindered: 'too_thin' },
  ],
  ...more,
});

function why(execution: Partial<Execution> = {}) {
  const whole: Execution = {
    decided_at: '2026-01-01T00:00:00.000Z',
    from_asset: 'BTC',
    to_asset: 'USDT',
    side: 'exact_in',
    rate: '64000',
    mid: '64000',
    venue_cost: '0.001',
    books: [seen('binance'), seen('kraken', { left_out: 'stale', age_seconds: '9.000' })],
    route: [routed()],
    realised: null,
    ...execution,
  };
  render(
    <MantineProvider>
      <Why execution={whole} />
    </MantineProvider>,
  );
}

test('the receipt says what the split brought over the best single venue, and what each alone would have given', () => {
  why();
  screen.getByText('It brought 1.50 USDT more than Kraken, the best single exchange, would have.');
  const rows = within(screen.getByRole('list', { name: /ways/ })).getAllByRole('listitem');
  expect(rows.map((row) => row.textContent)).toEqual([
    'Binance + KrakenTakengives 63,999.00 USDTthe best to be had',
    'Kraken alonegives 63,997.50 USDT1.50 USDT less',
    'Binance alonegives 63,990.50 USDT8.50 USDT less',
    'Coinbase alonedoes not hold that size',
  ]);
});

test('for an exact delivery less was taken, and one venue that was the best says so', () => {
  const alone = { venue: 'binance', symbol: 'BTCUSDT', hindered: null };
  const [taken, dearer] = ['1.00000000', '1.00020000'].map((amount) => ({ asset: 'BTC', amount }));
  why({
    side: 'exact_out',
    route: [
      routed({ orders: [order('binance')], alternatives: [{ ...alone, amount: taken ?? null }] }),
      routed({
        given: { asset: 'BTC', amount: '1.00000000' },
        got: { asset: 'USDC', amount: '1.000000' },
        alternatives: [{ ...alone, amount: dearer ?? null }],
      }),
    ],
  });
  screen.getByText('Binance alone was the best way for this size.');
  screen.getByText('It took 0.0002 BTC less than Binance, the best single exchange, would have.');
});

test('what was too small to be ordered anywhere is said to be carried', () => {
  why({ route: [routed({ orders: [], alternatives: [] })] });
  screen.getByText(/It is less than any exchange takes, so we carry it ourselves/);
});

test('every book that was seen is told with its age, and why one was left out', () => {
  why();
  const rows = within(screen.getByRole('table')).getAllByRole('row').slice(1);
  expect(rows.map((row) => row.textContent)).toEqual([
    'Binance63,999.5064,000.500.3 s',
    'Kraken too old, left out63,999.5064,000.509.0 s',
  ]);
});
