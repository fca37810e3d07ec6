import { decimal, proportion } from './decimal';

const DIGITS = 7;

/** A price for eyes: seven figures of it, for prices have no end. The receipt has them all. */
export function priceText(price: string): string {
  const { units, scale } = decimal(price);
  if (units === 0n) return '0';
  // So many places after the point that seven figures count.
  const places = Math.min(18, Math.max(0, DIGITS - (units.toString().length - scale)));
  return shortened(proportion(price, '1', '1', places));
}

/** Without the zeros that say nothing. */
export function shortened(text: string): string {
  return text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
}
