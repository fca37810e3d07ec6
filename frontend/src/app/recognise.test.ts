import { expect, test } from 'vitest';
import { combine, tellingReason, tidy } from './recognise';

const no = (reason: string) => ({
  valid: false,
  address: null,
  networks: [],
  kind: null,
  warnings: [],
  lookalike: null,
  payment: null,
  reason,
  detail: null,
});
const yes = (
  network: string,
  payment: { asset: string; network: string; amount: string | null } | null = null,
) => ({
  valid: true,
  address: '0xAb',
  networks: [network],
  kind: 'evm',
  warnings: [],
  lookalike: null,
  payment: payment && { ...payment, label: null },
  reason: null,
  detail: null,
});

test('what copying adds is removed and counted', () => {
  expect(tidy('  0x52\u200b90 8400\n ')).toEqual({ text: '0x52908400', removed: 2 });
  expect(tidy('bcrt1q')).toEqual({ text: 'bcrt1q', removed: 0 });
});

test('an invoice keeps its spaces, so that no amount becomes another one', () => {
  const invoice = 'bitcoin:bcrt1q?amount=1 5';
  expect(tidy(`\u200b ${invoice}\n`)).toEqual({ text: invoice, removed: 2 });
  expect(tidy('bitcoin:bc\u200brt1q?amount=1\n5').text).toBe('bitcoin:bcrt1q?amount=1\n5');
});

test('an address that takes several assets offers them all and chooses none', () => {
  const found = combine('0xab', [
    { asset: 'BTC', answer: no('wrong_network') },
    { asset: 'ETH', answer: yes('ethereum') },
    { asset: 'USDT', answer: yes('ethereum') },
  ]);
  expect(found.options.map((option) => option.asset)).toEqual(['ETH', 'USDT']);
  expect(found.options[0]?.address).toBe('0xAb');
  expect(found.reason).toBeNull();
});

test('an invoice leaves only its own asset', () => {
  const found = combine('ethereum:0x', [
    { asset: 'ETH', answer: no('other_asset') },
    { asset: 'USDT', answer: yes('ethereum', { asset: 'USDT', network: 'ethereum', amount: '25' }) },
  ]);
  expect(found.options).toHaveLength(1);
  expect(found.payment?.amount).toBe('25');
});

test('the most telling reason wins', () => {
  expect(tellingReason(['wrong_network', 'own_address', 'invalid_address'])).toBe('own_address');
  expect(tellingReason(['wrong_network', 'invalid_address'])).toBe('invalid_address');
  expect(tellingReason(['wrong_network', 'wrong_network'])).toBe('wrong_network');
  expect(tellingReason([null])).toBe('invalid_address');
});

test('an invoice without a network leaves the choice of it to the reader', () => {
  const payment = { asset: 'ETH', network: null, amount: '1' };
  const answer = { ...yes('ethereum'), networks: ['ethereum', 'base'], payment: { ...payment, label: null } };
  const found = combine('ethereum:0x', [{ asset: 'ETH', answer }]);
  expect(found.options.map((option) => option.network)).toEqual(['ethereum', 'base']);
});
