import { expect, test } from 'vitest';
import { mayDress } from './stylesheet';

test.each(['/', '/sign-in', '/register', '/balances/BTC', '/history', '/conversions/1', '/deposits/1'])(
  'an operator may dress %s',
  (path) => {
    expect(mayDress(path)).toBe(true);
  },
);

test.each([
  '/pay',
  '/deposit',
  '/deposit/addresses',
  '/addresses',
  '/convert',
  '/withdrawals/1',
  '/transfers/1',
  '/security',
  '/settings',
  '/confirm-email',
  '/cancel',
  '/freeze',
  '/track',
  '/dev/gallery',
  '/break',
  '/webhooks',
  '/ops',
  '/ops/approvals',
  '/a-page-of-tomorrow',
  '//history',
])('where one decides, and on pages nobody has named, there is no stylesheet: %s', (path) => {
  expect(mayDress(path)).toBe(false);
});
