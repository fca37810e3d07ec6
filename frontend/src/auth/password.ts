export const LEAST = 15;
export const MOST = 128;

export type PasswordFault = 'short' | 'long' | 'own_address';

/** Characters as the server counts them: after composition, by code point. */
export function passwordLength(password: string): number {
  return [...password.normalize('NFC')].length;
}

/** What we can say before asking; the server decides (it also knows the common ones). */
export function passwordFault(password: string, email: string): PasswordFault | null {
  const length = passwordLength(password);
  if (length < LEAST) return 'short';
  if (length > MOST) return 'long';
  if (email && password.toLowerCase() === email.trim().toLowerCase()) return 'own_address';
  return null;
}
