import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { exchangeListCandlesOptions } from '@/client/@tanstack/react-query.gen';
import { bareFigures } from '@/money/figures';
import { priceText } from '@/money/price';
import type { Market } from './market';
import css from './market.module.css';
import { spark } from './spark';

const WIDTH = 240;
const HEIGHT = 36;
/** Quarters of an hour in a day. */
const QUARTERS = 96;

/** A day of the market in one line. Where nobody tells it there is none: it decides nothing. */
export function DayLine({ market }: { market: Market }) {
  const { t } = useTranslation('exchange');
  const { data } = useQuery({
    ...exchangeListCandlesOptions({
      path: { market: market.market },
      query: { interval: '15m', limit: QUARTERS },
    }),
    staleTime: 60_000,
    refetchInterval: 60_000,
    retry: false,
  });
  const closes = data?.items.map(({ close }) => close).reverse() ?? [];
  const line = spark(closes, WIDTH, HEIGHT);
  if (!line) return null;
  const money = (price: string) => bareFigures(priceText(price), market.quote);
  const words = t('market.day', { low: money(line.low), high: money(line.high), quote: market.quote });
  return (
    <figure className={css.day}>
      <svg
        viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`}
        width={WIDTH}
        height={HEIGHT + 4}
        role="img"
        aria-label={words}
        preserveAspectRatio="none"
      >
        <polyline points={line.points} />
      </svg>
      <figcaption aria-hidden="true">{words}</figcaption>
    </figure>
  );
}
