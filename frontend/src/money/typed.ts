import { decimalPoint } from './figures';

/** What a person typed into an amount field, made into a decimal string of the wire, or why not. */
export type Typed =
  | { readonly ok: true; readonly amount: string }
  | {
      readonly ok: false;
      readonly reason:
        | 'empty'
        | 'not_a_number'
        | 'ambiguous_comma'
        | 'too_many_decimals'
        | 'zero'
        | 'too_long';
    };

const INVISIBLE = /[\s\u00a0\u2009\u202f\u200b-\u200d\u2060\ufeff'’_]/g;

/**
 * Reads "25", "25.5", "25,5", "1,000.50", " 1 000 " and ".5". A lone comma before exactly three digits could mean a
 * thousand or one: that is asked, never guessed.
 */
export function typed(text: string, decimals: number): Typed {
  let clean = text.replace(INVISIBLE, '');
  if (clean === '') return { ok: false, reason: 'empty' };
  if (!/^[\d.,]+$/.test(clean)) return { ok: false, reason: 'not_a_number' };
  if (clean.includes(',') && clean.includes('.')) {
    if (!/^\d{1,3}(,\d{3})+\.\d*$/.test(clean)) return { ok: false, reason: 'not_a_number' };
    clean = clean.replaceAll(',', '');
  } else if (clean.includes(',')) {
    if (/^\d{1,3}(,\d{3}){2,}$/.test(clean)) clean = clean.replaceAll(',', '');
    else if (/^[1-9]\d{0,2},\d{3}$/.test(clean)) return { ok: false, reason: 'ambiguous_comma' };
    else clean = clean.replace(',', '.');
  } else if (decimalPoint() === ',' && /^[1-9]\d{0,2}\.\d{3}$/.test(clean)) {
    return { ok: false, reason: 'ambiguous_comma' };
  }
  const match = /^(\d*)(?:\.(\d*))?$/.exec(clean);
  if (!match || clean === '.') return { ok: false, reason: 'not_a_number' };
  const whole = (match[1] ?? '').replace(/^0+(?=\d)/, '') || '0';
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (whole.length > 30) return { ok: false, reason: 'too_long' };
  if (fraction.length > decimals) return { ok: false, reason: 'too_many_decimals' };
  if (/^0*$/.test(whole + fraction)) return { ok: false, reason: 'zero' };
  return { ok: true, amount: fraction ? `${whole}.${fraction}` : whole };
}
