import { expect, test } from 'vitest';
import { charactersApart, differing } from './Compare';

const PAID = '0x52908400098527886E0F7030069857D2E4169EE7';
const TWIN = '0x5290C71D04A83bf6617E2d95b0Fc48a13D729EE7';

test('each group that differs is marked, the ends are not', () => {
  expect(differing(PAID, TWIN)).toEqual([false, ...Array(8).fill(true), false]);
  expect(differing(PAID, PAID)).not.toContain(true);
});

test('one changed character marks its group alone', () => {
  const one = `${PAID.slice(0, 20)}x${PAID.slice(21)}`;
  expect(differing(PAID, one).filter(Boolean)).toHaveLength(1);
  expect(charactersApart(PAID, one)).toEqual({ differ: 1, of: 40 });
});

test('what one address has more than the other differs', () => {
  expect(differing('bc1qaaaa', 'bc1qaaaabbbb')).toEqual([false, false, true]);
  expect(charactersApart('bc1qaaaa', 'bc1qaaaabb')).toEqual({ differ: 2, of: 10 });
});
