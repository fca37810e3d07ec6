import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { exchangeListCandlesOptions, exchangeListMarketsOptions } from '@/client/@tanstack/react-query.gen';
import { bareFigures } from '@/money/figures';
import { priceText } from '@/money/price';
import { serverNow } from '@/ui/clock';
import { day, minute, moment } from '@/ui/time';
import { Bar } from '@/ui/Waiting';
import { PriceChart } from './PriceChart';
import css from './price.module.css';
import { type Candle, type Market, marketOf, RANGE_NAMES, RANGES, type Range, span } from './prices';

const MINUTE = 60_000;
const MAKER = 'https://www.tradingview.com/';

/** What one of the asset was worth. Prices are an extra here: without them the balance stands as it stood. */
export function Price({ asset }: { asset: string }) {
  const { data } = useQuery({ ...exchangeListMarketsOptions(), staleTime: 5 * MINUTE });
  const market = data ? marketOf(asset, data.items) : null;
  // Where no price is told there is no room for one.
  return market && <PriceOf market={market} />;
}

function PriceOf({ market }: { market: Market }) {
  const { t, i18n } = useTranslation(['wallets', 'exchange']);
  const venue = (code: string) =>
    i18n.exists(`exchange:venue.${code}`) ? t(`exchange:venue.${code as 'binance'}`) : code;
  const [range, setRange] = useState<Range>('day');
  const { data, error } = useQuery({
    ...exchangeListCandlesOptions({ path: { market: market.market }, query: RANGES[range] }),
    staleTime: MINUTE,
    refetchInterval: MINUTE,
    retry: false,
  });
  const candles = useMemo(() => [...(data?.items ?? [])].reverse(), [data]);
  const found = span(candles);
  const money = (price: string) => bareFigures(priceText(price), market.quote);
  const [first] = candles;
  const last = candles.at(-1);
  const when = range === 'quarter' ? day : (iso: string) => moment(iso, serverNow());
  return (
    <section className={css.price} aria-labelledby="price" data-market={market.market}>
      <header className={css.head}>
        <h2 id="price">{t('price.title')}</h2>
        <fieldset className={css.ranges}>
          <legend>{t('price.range.label')}</legend>
          {RANGE_NAMES.map((name) => (
            <label key={name} data-checked={name === range || undefined}>
              <input type="radio" name="range" checked={name === range} onChange={() => setRange(name)} />
              {t(`price.range.${name}`)}
            </label>
          ))}
        </fieldset>
      </header>
      {found && first && last && data ? (
        <figure className={css.figure}>
          <p className={css.sentence}>
            {t('price.now', { base: market.base, price: money(last.close), quote: market.quote })}{' '}
            <span>{t(`price.between.${range}`, { low: money(found.low), high: money(found.high) })}</span>
          </p>
          <PriceChart
            candles={candles}
            withTime={range !== 'quarter'}
            label={t('price.chart', {
              base: market.base,
              quote: market.quote,
              from: when(first.start),
              to: when(last.start),
              first: money(first.open),
              last: money(last.close),
              low: money(found.low),
              high: money(found.high),
            })}
          />
          <figcaption className={css.caption}>
            <span>
              {t('price.told', { venue: venue(data.sources[0]?.venue ?? ''), time: minute(data.as_of) })}
            </span>
            <a href={MAKER} target="_blank" rel="noreferrer">
              {t('price.thanks')}
            </a>
          </figcaption>
          <PriceTable candles={candles} when={when} money={money} quote={market.quote} />
        </figure>
      ) : error || (data && !found) ? (
        <p className={css.instead}>{t('price.none')}</p>
      ) : (
        <div className={css.waiting} aria-busy="true">
          <Bar width="min(420px, 80%)" height={22} />
        </div>
      )}
    </section>
  );
}

interface TableProps {
  candles: readonly Candle[];
  when: (iso: string) => string;
  money: (price: string) => string;
  quote: string;
}

/** The chart for those who read: the same candles, newest first. */
function PriceTable({ candles, when, money, quote }: TableProps) {
  const { t } = useTranslation('wallets');
  const [open, setOpen] = useState(false);
  return (
    <details className={css.details} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('price.table')}</summary>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is scrolled by the keyboard too.
        <section className={css.scroll} aria-label={t('price.table')} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('price.start')}</th>
                {(['open', 'high', 'low', 'close'] as const).map((name) => (
                  <th key={name} scope="col">
                    {t(`price.${name}`)}, {quote}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {[...candles].reverse().map((one) => (
                <tr key={one.start}>
                  <th scope="row">{when(one.start)}</th>
                  <td>{money(one.open)}</td>
                  <td>{money(one.high)}</td>
                  <td>{money(one.low)}</td>
                  <td>{money(one.close)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}
