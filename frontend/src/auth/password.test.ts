import { expect, test } from 'vitest';
import { passwordFault, passwordLength } from './password';

test('fourteen characters are too few and fifteen are enough', () => {
  expect(passwordFault('a'.repeat(14), '')).toBe('short');
  expect(passwordFault('a'.repeat(15), '')).toBeNull();
  expect(passwordFault('a'.repeat(129), '')).toBe('long');
});

test('a composed and a decomposed letter count the same', () => {
  expect(passwordLength('e\u0301')).toBe(1);
  expect(passwordLength('🌊')).toBe(1);
});

test('the own address is no password', () => {
  expect(passwordFault('ines@demo.example', 'Ines@demo.example ')).toBe('own_address');
});
