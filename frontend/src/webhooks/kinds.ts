/** What the page offers to choose from; the API knows more. */
export const KINDS = ['withdrawal', 'deposit', 'conversion', 'transfer', 'balance', 'account'] as const;

export type OfferedKind = (typeof KINDS)[number];

export function isOffered(kind: string): kind is OfferedKind {
  return (KINDS as readonly string[]).includes(kind);
}
