import { useTranslation } from 'react-i18next';
import { permille } from '@/money/decimal';
import { bareFigures } from '@/money/figures';
import { Label } from '@/ui/Label';
import css from './market.module.css';
import { useVenue } from './names';
import { type Leg, legsOf, marketPrice, shareText } from './places';
import type { Quote } from './usePrice';

/** Where a price comes from: who takes which share at which price; over a bridge one leg after the other. */
export function RouteBars({ quote }: { quote: Pick<Quote, 'from_asset' | 'to_asset' | 'route'> }) {
  const { t } = useTranslation('exchange');
  const legs = legsOf(quote.from_asset, quote.to_asset, quote.route);
  if (legs.length === 0) return null;
  return (
    <section className={css.route} aria-label={t('route.label')} data-route>
      <Label>{t('route.label')}</Label>
      {legs.map((leg) => (
        <OneLeg key={leg.market} leg={leg} named={legs.length > 1} />
      ))}
      {legs.length > 1 && (
        <p className={css.note}>
          {t('route.bridge', { from: quote.from_asset, to: quote.to_asset, over: legs[0]?.get ?? '' })}
        </p>
      )}
    </section>
  );
}

function OneLeg({ leg, named }: { leg: Leg; named: boolean }) {
  const { t } = useTranslation('exchange');
  const venue = useVenue();
  const [base = '', quote = ''] = leg.market.split('-');
  const name = t('route.leg', { give: leg.give, get: leg.get });
  return (
    <div data-leg={leg.market}>
      {named && <p className={css.legName}>{name}</p>}
      <ul className={css.parts} aria-label={name}>
        {leg.parts.map((part) => (
          <li key={part.venue} data-venue={part.venue}>
            <span className={css.venue}>{venue(part.venue)}</span>
            <span className={css.share}>{shareText(part.share)}</span>
            <span className={css.track} aria-hidden="true">
              <span style={{ width: `${permille(part.share, '1') / 10}%` }} />
            </span>
            <span className={css.at}>
              {t('route.at', { base, price: bareFigures(marketPrice(leg, part.price), quote), quote })}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
