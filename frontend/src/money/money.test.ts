import { describe, expect, test } from 'vitest';
import { absolute, compare, decimal, minus, permille, plus, proportion, sum } from './decimal';
import { bareFigures, figures, figuresText, percent, wholeWidth } from './figures';
import { typed } from './typed';

describe('decimal', () => {
  test('eighteen decimals survive addition', () => {
    expect(plus('0.160794240655401946', '0.000000000000000001')).toBe('0.160794240655401947');
  });
  test('subtraction may go below zero and says so', () => {
    expect(minus('212.40', '501.200000')).toBe('-288.800000');
    expect(absolute('-288.800000')).toBe('288.800000');
  });
  test('amounts compare by value, not by text', () => {
    expect(compare('1.50', '1.5')).toBe(0);
    expect(compare('9', '10')).toBe(-1);
    expect(compare('0.1', '0.09999999')).toBe(1);
  });
  test('an amount larger than a float can hold stays exact', () => {
    expect(plus('9007199254740993.000000000000000001', '0')).toBe('9007199254740993.000000000000000001');
  });
  test.each(['1e-8', 'NaN', '', '1_000', '１', '.5', '1.', ' 1'])('%j is not a decimal', (text) => {
    expect(() => decimal(text)).toThrow(RangeError);
  });
  test('the sum of nothing is nothing', () => {
    expect(sum([])).toBe('0');
    expect(sum(['11829.85', '4013.81', '712.40'])).toBe('16556.06');
  });
  test('a proportion rounds half up', () => {
    expect(proportion('2.05', '0.00003195', '0.00003195', 2)).toBe('2.05');
    expect(proportion('1', '1', '3', 2)).toBe('0.33');
    expect(proportion('1', '1', '8', 2)).toBe('0.13');
  });
  test('a bar is never longer than its track', () => {
    expect(permille('2', '1')).toBe(1000);
    expect(permille('1', '3')).toBe(333);
    expect(permille('1', '0')).toBe(0);
    expect(permille('-1', '4')).toBe(0);
  });
});

describe('figures', () => {
  test('lists trim trailing zeros, details keep them', () => {
    expect(bareFigures('0.02500000', 'BTC')).toBe('0.025');
    expect(bareFigures('0.02500000', 'BTC', 'full')).toBe('0.02500000');
    expect(bareFigures('1.000000000000000000', 'ETH')).toBe('1');
  });
  test('dollars keep two decimals', () => {
    expect(figuresText('500.000000', 'USDT')).toBe('500.00 USDT');
    expect(figuresText('500.100000', 'USDC')).toBe('500.10 USDC');
    expect(figuresText('0.123456', 'USDT')).toBe('0.123456 USDT');
    expect(figuresText('500', 'USD')).toBe('500.00 USD');
  });
  test('digits past the eighth stand apart and are never cut', () => {
    expect(figures('0.160794240655401946', 'ETH', 'full')).toEqual({
      sign: '',
      whole: '0',
      fraction: '16079424',
      tail: '0655401946',
    });
  });
  test('thousands are grouped', () => {
    expect(bareFigures('84120.650000', 'USDT', 'full')).toBe('84,120.650000');
    expect(bareFigures('1234567.5', 'BTC')).toBe('1,234,567.5');
  });
  test('a minus is a minus, not a hyphen', () => {
    expect(bareFigures('-0.01502310', 'BTC')).toBe('−0.0150231');
  });
  test('a column is as wide as its widest whole part', () => {
    expect(
      wholeWidth([
        { amount: '0.1', asset: 'BTC' },
        { amount: '212.40', asset: 'USDT' },
      ]),
    ).toBe(3);
  });
  test('shares are said in per cent', () => {
    expect(percent('0.0041')).toBe('0.41 %');
    expect(percent('0.004085')).toBe('0.41 %');
    expect(percent('1')).toBe('100.00 %');
  });
});

describe('typed', () => {
  const ok = (text: string, amount: string, decimals = 8) =>
    expect(typed(text, decimals)).toEqual({ ok: true, amount });
  const no = (text: string, reason: string, decimals = 8) =>
    expect(typed(text, decimals)).toEqual({ ok: false, reason });
  test('what people type becomes a decimal string', () => {
    ok('25', '25');
    ok(' 25.50 ', '25.5');
    ok('0025', '25');
    ok('.5', '0.5');
    ok('25,5', '25.5');
    ok('1,000.50', '1000.5');
    ok('1,000,000', '1000000');
    ok('1 000', '1000');
    ok('0.00000001', '0.00000001');
    ok('0,001', '0.001');
  });
  test('an ambiguous comma is asked about', () => {
    no('1,000', 'ambiguous_comma');
    no('25,000', 'ambiguous_comma');
  });
  test('what is no amount is refused with its reason', () => {
    no('', 'empty');
    no('   ', 'empty');
    no('0', 'zero');
    no('0.000', 'zero');
    no('-1', 'not_a_number');
    no('1e3', 'not_a_number');
    no('１', 'not_a_number');
    no('NaN', 'not_a_number');
    no('1.2.3', 'not_a_number');
    no('.', 'not_a_number');
    no('1,00.5', 'not_a_number');
    no('0.123456789', 'too_many_decimals');
    no('1'.repeat(31), 'too_long');
  });
  test('trailing zeros are not decimals', () => {
    ok('0.1000000000', '0.1');
  });
});
