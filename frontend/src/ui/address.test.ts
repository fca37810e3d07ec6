import { expect, test } from 'vitest';
import { groupsOf, spelled } from './Address';
import { ePath, graduations, level } from './Staff';

test('an address is cut into fours and put together again without loss', () => {
  for (const address of [
    '0x52908400098527886E0F7030069857D2E4169EE7',
    'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
    '2N3oefVeg6stiTb5Kh3ozCSkaqmx91FDbsm',
  ]) {
    const { prefix, groups } = groupsOf(address);
    expect(prefix + groups.join('')).toBe(address);
    expect(groups.slice(0, -1).every((group) => group.length === 4)).toBe(true);
    expect(spelled(address).replaceAll(' ', '')).toBe(address);
  }
});

test('0x stands apart and nothing else does', () => {
  expect(groupsOf('0xABCDEF').prefix).toBe('0x');
  expect(groupsOf('bcrt1q').prefix).toBe('');
});

test('up to six confirmations have a graduation each, more stand in quarters', () => {
  expect(graduations(3)).toEqual([1, 2, 3]);
  expect(graduations(12)).toEqual([3, 6, 9, 12]);
  expect(graduations(0)).toEqual([1]);
});

test('water stands exactly at the last graduation reached', () => {
  expect([0, 1, 2, 3, 9].map((reached) => level(3, reached))).toEqual([0, 1, 2, 3, 3]);
  expect([2, 3, 11, 12].map((reached) => level(12, reached))).toEqual([0, 1, 3, 4]);
});

test('an E is closed and as high as its unit', () => {
  expect(ePath(0, 0, 15, 50, false)).toMatch(/^M0 0H15V10.*V50H0Z$/);
});
