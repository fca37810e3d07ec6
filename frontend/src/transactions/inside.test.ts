import { expect, test } from 'vitest';
import type { Recognised } from '@/app/recognise';
import { insideOf } from './inside';

const found = (reason: string | null): Recognised => ({
  text: 'bcrt1qours',
  options: [],
  payment: null,
  warnings: [],
  lookalike: null,
  reason,
});

test.each([
  ['ben@demo.example', 'ben@demo.example'],
  ['  Ben.Moss+x@demo.example\n', 'Ben.Moss+x@demo.example'],
])('%j is somebody by e-mail address', (text, to) => {
  expect(insideOf(text, null)).toEqual({ kind: 'email', to });
});

test.each(['ben', 'ben@demo', '@demo.example', 'bitcoin:bc1q@x.example', '0xAbC'])(
  '%j is nobody by e-mail address',
  (text) => {
    expect(insideOf(text, null)).toBeNull();
  },
);

test('one of our own addresses is somebody here, and any other refusal is not', () => {
  expect(insideOf('bcrt1qours', found('own_address'))).toEqual({ kind: 'address', to: 'bcrt1qours' });
  expect(insideOf('bcrt1qours', found('invalid_address'))).toBeNull();
  expect(insideOf('bcrt1qours', found(null))).toBeNull();
});
