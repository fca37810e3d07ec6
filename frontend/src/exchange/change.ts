import type { QuotesCreateResponse } from '@/client/types.gen';
import { absolute, compare, isZero, minus } from '@/money/decimal';

type Quote = Pick<QuotesCreateResponse, 'side' | 'debit' | 'deliver'>;

/** By how much a renewed price differs; null when it does not or is about something else. */
export function change(
  quote: Quote,
  before: Quote | null,
): { worse: boolean; amount: string; asset: string } | null {
  if (!before || before.side !== quote.side) return null;
  const [now, then] =
    quote.side === 'exact_in' ? [quote.deliver, before.deliver] : [quote.debit, before.debit];
  if (now.asset !== then.asset) return null;
  const difference = minus(now.amount, then.amount);
  if (isZero(difference)) return null;
  const more = compare(difference, '0') > 0;
  return { worse: quote.side === 'exact_in' ? !more : more, amount: absolute(difference), asset: now.asset };
}
