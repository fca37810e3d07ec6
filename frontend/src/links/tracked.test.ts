import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isOver, type Tracked, words } from './tracked';

const { track } = JSON.parse(readFileSync('public/locales/en/links.json', 'utf8'));
const found = (stage: Tracked['stage'], expected_by: string | null): Tracked => ({
  stage,
  deliver: { asset: 'USDT', amount: '500.000000' },
  network: 'ethereum',
  network_name: 'Ethereum',
  confirmations: 1,
  confirmations_required: 3,
  txid: null,
  explorer_url: null,
  expected_by,
  arrived_at: null,
  link_expires_at: '2026-12-24T14:00:00.000Z',
});

test.each(['preparing', 'sent', 'confirming', 'arrived', 'stopped'] as const)(
  'a payment that is %s has a sentence and what comes next, with a time and without',
  (stage) => {
    for (const by of ['2026-11-24T14:35:00.000Z', null]) {
      const { heading, next } = words(found(stage, by));
      expect(track[heading]).toMatch(/\w/);
      expect(track.next[next]).toMatch(/\w/);
    }
  },
);

test('a time is named only where there is one', () => {
  expect(track[words(found('confirming', null)).heading]).not.toContain('{{time}}');
  expect(track[words(found('confirming', '2026-11-24T14:35:00.000Z')).heading]).toContain('about {{time}}');
});

test('what has arrived or was stopped is not asked for again', () => {
  expect([isOver(found('arrived', null)), isOver(found('stopped', null))]).toEqual([true, true]);
  expect([isOver(found('sent', null)), isOver(undefined)]).toEqual([false, false]);
});
