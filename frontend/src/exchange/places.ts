import type { QuotesCreateResponse } from '@/client/types.gen';
import { decimal, decimalText, proportion } from '@/money/decimal';
import { priceText, shortened } from '@/money/price';

type Part = QuotesCreateResponse['route'][number];

/** One exchange of a route: what is given for what, and who takes which share of it. */
export interface Leg {
  market: string;
  give: string;
  get: string;
  parts: readonly Part[];
}

/** The route's parts by the market they trade on, in order. */
export function legsOf(from: string, to: string, route: readonly Part[]): readonly Leg[] {
  const legs: { market: string; parts: Part[] }[] = [];
  for (const part of route) {
    const market = part.market ?? `${from}-${to}`;
    const last = legs.at(-1);
    if (last?.market === market) last.parts.push(part);
    else legs.push({ market, parts: [part] });
  }
  let give = from;
  return legs.map(({ market, parts }) => {
    const [base = '', quote = ''] = market.split('-');
    const leg = { market, give, get: give === base ? quote : base, parts };
    give = leg.get;
    return leg;
  });
}

/** A price in a leg's direction as the market writes it: of the quote asset for one of the base. */
export function marketPrice(leg: Pick<Leg, 'market' | 'give'>, price: string): string {
  const [base] = leg.market.split('-');
  if (leg.give === base || decimal(price).units === 0n) return priceText(price);
  return priceText(proportion('1', '1', price, 18));
}

/** "0.6251" → "62.5 %", "1" → "100 %"; never 100 % for less than all, nor 0 % for more than nothing. */
export function shareText(share: string): string {
  const { units } = decimal(proportion(share, '1000', '1', 0));
  const whole = decimal(share);
  const all = 10n ** BigInt(whole.scale);
  if (whole.units === all) return '100 %';
  if (units === 0n && whole.units > 0n) return '< 0.1 %';
  if (units >= 1000n) return '> 99.9 %';
  return `${shortened(decimalText({ units, scale: 1 }))} %`;
}
