import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isUnknown, nextOf, storyOf } from './depositStory';

// vitest runs in the folder of package.json.
const words = JSON.parse(readFileSync('public/locales/en/wallets.json', 'utf8'));
const STATES = [
  'detected',
  'confirming',
  'credited',
  'below_minimum',
  'screening',
  'held',
  'reorged',
  'unknown_asset',
] as const;
const REASONS = [null, 'other_network', 'unattributed'] as const;
const SUBS = [null, 'reorged', 'replaced', 'frozen', 'awaiting_node', 'slower_than_usual'] as const;

test('every deposit says where the money is and what happens next', () => {
  for (const state of STATES)
    for (const reason of REASONS)
      for (const sub_status of SUBS)
        for (const finality of [null, 'finalized'] as const) {
          const deposit = { state, reason, sub_status, finality };
          expect(words.depositState[storyOf(deposit)], JSON.stringify(deposit)).toMatch(/\w/);
          expect(words.depositNext[nextOf(deposit)], JSON.stringify(deposit)).toMatch(/\w/);
        }
});

test('what came over another network is told apart from what a contract sent', () => {
  const held = { state: 'held', sub_status: null, finality: null } as const;
  expect(storyOf({ ...held, reason: 'other_network' })).toBe('other_network');
  expect(storyOf({ ...held, reason: 'unattributed' })).toBe('unattributed');
  expect(storyOf({ ...held, reason: null })).toBe('held');
});

test('a replaced payment is not said to come again', () => {
  const gone = { state: 'reorged', reason: null, finality: null } as const;
  expect(storyOf({ ...gone, sub_status: 'replaced' })).toBe('replaced');
  expect(storyOf({ ...gone, sub_status: 'reorged' })).toBe('reorged');
});

test('a token is unknown by its contract alone, whatever it calls itself', () => {
  expect(isUnknown({ contract: '0x52908400098527886E0F7030069857D2E4169EE7' })).toBe(true);
  expect(isUnknown({ contract: null })).toBe(false);
});
