import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

// vitest runs in the folder of package.json.
const read = (name: string) => JSON.parse(readFileSync(`public/locales/en/${name}.json`, 'utf8'));
const problems = read('problems');
const transactions = read('transactions');
const wallets = read('wallets');
const addresses = read('addresses');
interface Contract {
  paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
}
const contract: Contract = JSON.parse(readFileSync('../clients/openapi.json', 'utf8'));

test('every problem that the API lists has its own words', () => {
  const operations = Object.values(contract.paths).flatMap((path) => Object.values(path));
  const answers = operations.flatMap((operation) => Object.values(operation.responses));
  // Each answer that is a problem lists its codes, as `code`: words · `code`: words.
  const codes = new Set(
    answers.flatMap(({ description }) => [...description.matchAll(/`([a-z_]+)`: /g)].map(([, code]) => code)),
  );
  expect(codes.size).toBeGreaterThan(30);
  for (const code of codes) expect(problems, `no words for ${code}`).toHaveProperty(`${code}.title`);
});

test.each([
  'hold',
  'person_reviewing',
  'awaiting_liquidity',
  'awaiting_batch',
  'awaiting_signer',
  'awaiting_node',
  'broadcast_unknown',
  'reorged',
  'needs_operator',
  'frozen',
])('a payment that waits as %s says where the money is and what happens next', (sub) => {
  expect(transactions.story.sub[sub].sentence).toMatch(/\w/);
  expect(transactions.story.sub[sub].next).toMatch(/\w/);
});

test.each([
  'pending_verification',
  'pending_screening',
  'pending_approval',
  'queued',
  'signing',
  'broadcasting',
  'confirming',
  'completed',
  'cancelled',
  'rejected',
  'expired',
  'failed',
])('a payment in %s has a word and a sentence', (state) => {
  expect(transactions.state[state]).toMatch(/\w/);
  expect(transactions.story[state].sentence).toMatch(/\w/);
});

test.each([
  'detected',
  'confirming',
  'credited',
  'below_minimum',
  'screening',
  'held',
  'reorged',
  'unknown_asset',
])('a deposit in %s has a word and a sentence', (state) => {
  expect(transactions.state[state]).toMatch(/\w/);
  expect(wallets.depositState[state]).toMatch(/\w/);
});

test.each(['pending_confirmation', 'cooling_down', 'active', 'suspended'])(
  'a saved address in %s has a word',
  (state) => {
    expect(addresses.state[state]).toMatch(/\w/);
  },
);

test('no sentence shouts and none says success', () => {
  for (const name of [
    'addresses',
    'app',
    'auth',
    'exchange',
    'problems',
    'sandbox',
    'settings',
    'transactions',
    'ui',
    'wallets',
  ]) {
    const text = JSON.stringify(read(name));
    expect(text).not.toMatch(/!"/);
    expect(text).not.toMatch(/oops|success/i);
  }
});

test.each(['pending_verification', 'completed', 'cancelled', 'expired', 'came'])(
  'an internal transfer in %s says where the money is and what came of it',
  (state) => {
    expect(transactions.inside.story[state]).toMatch(/{{money}}/);
    expect(transactions.inside.afterwards[state]).toMatch(/\w/);
  },
);
