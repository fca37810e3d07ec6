import { readFileSync } from 'node:fs';
import { MantineProvider } from '@mantine/core';
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from '@tanstack/react-router';
import { cleanup, render, screen, within } from '@testing-library/react';
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type Line, StatementLines } from './StatementLines';

// vitest runs in the folder of package.json.
const read = (name: string) => JSON.parse(readFileSync(`public/locales/en/${name}.json`, 'utf8'));
const wallets = read('wallets');

beforeAll(async () => {
  const nothing = () => undefined;
  vi.stubGlobal('matchMedia', () => ({
    matches: false,
    addEventListener: nothing,
    removeEventListener: nothing,
  }));
  vi.stubGlobal('scrollTo', nothing);
  await i18next.use(initReactI18next).init({
    lng: 'en',
    resources: { en: { wallets, ui: read('ui') } },
    interpolation: { escapeValue: false },
  });
});
afterEach(cleanup);

const line = (more: Partial<Line>): Line => ({
  at: '2026-11-21T14:03:31.000Z',
  event: 'deposit credited',
  kind: 'deposit',
  id: '0190aaaa-0000-7000-8000-000000000001',
  charge: null,
  amount: '1.00000000',
  balance: '1.00000000',
  held_amount: '0.00000000',
  held: '0.00000000',
  ...more,
});

async function shown(lines: Line[]): Promise<HTMLElement[]> {
  const root = createRootRoute();
  const page = createRoute({
    getParentRoute: () => root,
    path: '/',
    component: () => (
      <MantineProvider>
        <StatementLines asset="BTC" lines={lines} />
      </MantineProvider>
    ),
  });
  const router = createRouter({ routeTree: root.addChildren([page]), history: createMemoryHistory() });
  // biome-ignore lint/suspicious/noExplicitAny: a router of this test's own, not the one the app registers
  render(<RouterProvider router={router as any} />);
  return (await screen.findAllByRole('row')).slice(1);
}

test('what came in says so with a plus, what it was, and leads to the whole of it', async () => {
  const [row] = await shown([line({})]);
  const link = within(row as HTMLElement).getByRole('link', { name: 'Deposit' });
  expect(link.getAttribute('href')).toBe('/deposits/0190aaaa-0000-7000-8000-000000000001');
  expect(row?.textContent).toContain('+1 BTC');
  expect(row?.textContent).toContain('1 BTC left');
});

test('what was set aside leaves what can be used and says where it went', async () => {
  const accepted = line({
    event: 'withdrawal accepted',
    kind: 'withdrawal',
    amount: '-0.60000000',
    balance: '0.40000000',
    held_amount: '0.60000000',
    held: '0.60000000',
  });
  const [row] = await shown([accepted]);
  expect(row?.textContent).toContain('−0.6 BTC');
  expect(row?.textContent).toContain('0.6 BTC put on hold');
});

test('what was paid out of what was on hold shows that change, and is settled', async () => {
  const paid = line({
    event: 'payout final',
    kind: 'withdrawal',
    amount: '0.00000000',
    balance: '0.40000000',
    held_amount: '-0.50000000',
    held: '0.10000000',
  });
  const [row] = await shown([paid]);
  expect(row?.textContent).toContain('−0.5 BTC');
  expect(row?.textContent).toContain('Out of what was on hold');
  expect(row?.querySelector('td:nth-of-type(2)')?.hasAttribute('data-within')).toBe(true);
  expect(row?.querySelector('td:nth-of-type(2) [class*=afloat]')).toBeNull();
});

test('what came in only to be put on hold is still afloat: in italics', async () => {
  const bought = line({
    event: 'conversion executed',
    kind: 'withdrawal',
    amount: '0.00000000',
    held_amount: '0.50000000',
    held: '0.50000000',
  });
  const [row] = await shown([bought]);
  expect(row?.querySelector('td:nth-of-type(2) [class*=afloat]')).not.toBeNull();
  expect(row?.querySelector('th em')?.textContent).toBe('Put on hold for a payment');
});

test.each([
  ['network', 'Network fee'],
  ['service', 'Service fee'],
  ['spread', 'Spread'],
  ['rounding', 'Rounding'],
] as const)('a charge of the quote (%s) is called what the quote calls it', async (charge, words) => {
  const paid = { event: 'conversion executed', charge, amount: '0.00000000', held_amount: '-0.10000000' };
  const [row] = await shown([line(paid)]);
  expect(row?.textContent).toContain(words);
});

test('a charge that comes back is a refund', async () => {
  const [row] = await shown([line({ event: 'refund', charge: 'network' })]);
  expect(row?.textContent).toContain('Back from a payment');
});

test('an event without words speaks for itself, and what leads nowhere is no link', async () => {
  const [row] = await shown([line({ event: 'moon landing', kind: null, id: null })]);
  expect(row?.textContent).toContain('moon landing');
  expect(within(row as HTMLElement).queryByRole('link')).toBeNull();
});

test.each([
  'deposit credited',
  'deposit credited while a receivable is open',
  'deposit explained later',
  'reorg of a credited deposit',
  'withdrawal accepted',
  'withdrawal fees',
  'payout final',
  'refund',
  'conversion accepted',
  'conversion executed',
])('a movement that the ledger calls "%s" has words', (event) => {
  expect(wallets.statement.event[event.replaceAll(' ', '_')]).toMatch(/\w/);
});
