import { useTranslation } from 'react-i18next';
import { bareFigures } from '@/money/figures';
import { priceText } from '@/money/price';
import { useServerNow } from '@/ui/clock';
import { Label } from '@/ui/Label';
import { Bar } from '@/ui/Waiting';
import { DayLine } from './DayLine';
import { ageOf, type Market, standing } from './market';
import css from './market.module.css';
import { useVenue } from './names';

interface Props {
  markets: readonly Market[];
  /** The list of markets is there; without it nothing is said yet. */
  known: boolean;
}

/** What the market does meanwhile, with its age: to look at, not to trade on. It never speaks by itself. */
export function MarketLine({ markets, known }: Props) {
  const { t } = useTranslation('exchange');
  if (known && markets.length === 0) return null;
  return (
    <section className={css.market} aria-label={t('market.label')} data-markets>
      <Label>{t('market.label')}</Label>
      {!known && <Bar width="min(260px, 80%)" height={22} />}
      {markets.map((market) => (
        <OneMarket key={market.market} market={market} />
      ))}
      {markets.length === 1 && markets[0] && <DayLine market={markets[0]} />}
    </section>
  );
}

function OneMarket({ market }: { market: Market }) {
  const { t } = useTranslation('exchange');
  const venue = useVenue();
  const now = useServerNow();
  const stands = standing(market);
  const money = (price: string) => bareFigures(priceText(price), market.quote);
  if (stands.kind === 'none') {
    return (
      <p className={css.note} data-standing="none">
        {t('market.none', { base: market.base, quote: market.quote })}
      </p>
    );
  }
  const age = t('market.age', { count: ageOf(stands.asOf, now) });
  return (
    <div data-standing={stands.kind} data-market={market.market}>
      <p className={css.price}>
        {t('market.price', { base: market.base, price: money(stands.mid), quote: market.quote })}
      </p>
      <p className={css.note}>
        {stands.kind === 'live'
          ? t('market.live', {
              bid: money(stands.bid),
              ask: money(stands.ask),
              venues: stands.venues.map(venue).join(', '),
              age,
            })
          : t('market.old', { venue: venue(stands.venue), age })}
      </p>
    </div>
  );
}
