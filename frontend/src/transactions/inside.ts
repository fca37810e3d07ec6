import type { Recognised } from '@/app/recognise';
import { tidy } from '@/app/recognise';

/** Somebody here, as the payer knows them. */
export interface Inside {
  readonly kind: 'email' | 'address';
  readonly to: string;
}

/** An @ with something on both sides and no space or slash: never an address, an invoice or a link. */
const EMAIL = /^[^\s@:/?]+@[^\s@:/?]+\.[^\s@:/?]+$/;

export function isEmail(text: string): boolean {
  return EMAIL.test(tidy(text).text);
}

/** Whether what was typed leads to another user here: by e-mail address, or by one of our own deposit addresses. */
export function insideOf(text: string, found: Recognised | null): Inside | null {
  if (isEmail(text)) return { kind: 'email', to: tidy(text).text };
  if (found?.reason === 'own_address' && !found.text.includes(':')) {
    return { kind: 'address', to: found.text };
  }
  return null;
}
