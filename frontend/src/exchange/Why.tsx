import { useTranslation } from 'react-i18next';
import { isZero, permille } from '@/money/decimal';
import { bareFigures, figuresText } from '@/money/figures';
import { priceText } from '@/money/price';
import { Label } from '@/ui/Label';
import { type Execution, type Routed, savingOf, venuesOf, type Way, waysOf } from './best';
import { useVenue } from './names';
import css from './receipt.module.css';

/** Why the price was the best to be had: the ways there were, and the books as they stood at that moment. */
export function Why({ execution }: { execution: Execution }) {
  const { t } = useTranslation('exchange');
  return (
    <section className={css.part} aria-labelledby="why" data-why>
      <h2 id="why">{t('why.heading')}</h2>
      {execution.route.map((routed) => (
        <OneExchange
          key={`${routed.given.asset} ${routed.got.asset}`}
          routed={routed}
          side={execution.side}
          named={execution.route.length > 1}
        />
      ))}
      <Books execution={execution} />
    </section>
  );
}

interface ExchangeProps {
  routed: Routed;
  side: Execution['side'];
  named: boolean;
}

function OneExchange({ routed, side, named }: ExchangeProps) {
  const { t } = useTranslation('exchange');
  const saving = useSaving(routed, side);
  const [only = '', ...more] = venuesOf(routed);
  // A route of one venue is that venue alone: said once.
  const ways = waysOf(routed, side).filter(({ venue }) => more.length > 0 || venue !== only);
  const dearest = ways.reduce((most, { worse }) => (worse && !isZero(worse) ? worse : most), '0');
  const name = t('route.leg', { give: routed.given.asset, get: routed.got.asset });
  return (
    <div>
      {named && <Label>{name}</Label>}
      <p className={css.saving} data-saving>
        {saving}
      </p>
      <ol className={css.ways} aria-label={t('why.ways')}>
        {ways.map((way) => (
          <OneWay key={way.venue ?? ''} way={way} routed={routed} side={side} dearest={dearest} />
        ))}
      </ol>
    </div>
  );
}

/** What the route was worth, in a sentence. */
function useSaving(routed: Routed, side: Execution['side']): string {
  const { t } = useTranslation('exchange');
  const venue = useVenue();
  const saving = savingOf(routed, side);
  const [first = '', ...more] = venuesOf(routed);
  if (!first) return t('why.carried');
  if (!saving) return t('why.together');
  if (more.length === 0 && first === saving.venue) return t('why.single', { venue: venue(first) });
  if (isZero(saving.amount)) return t('why.same', { venue: venue(saving.venue) });
  return t(side === 'exact_in' ? 'why.more' : 'why.less', {
    money: figuresText(saving.amount, saving.asset),
    venue: venue(saving.venue),
  });
}

interface WayProps {
  way: Way;
  routed: Routed;
  side: Execution['side'];
  dearest: string;
}

function OneWay({ way, routed, side, dearest }: WayProps) {
  const { t } = useTranslation('exchange');
  const venue = useVenue();
  const taken = way.venue === null;
  const who = taken ? venuesOf(routed).map(venue).join(' + ') || t('why.ourselves') : venue(way.venue ?? '');
  return (
    <li data-way={way.venue ?? 'taken'} data-taken={taken || undefined}>
      <span className={css.who}>
        <strong>{taken ? who : t('why.alone', { venue: who })}</strong>
        {taken && <span className={css.tag}>{t('why.taken')}</span>}
      </span>
      <span className={css.figure}>
        {way.amount === null ? (
          <span className={css.note}>{t(`why.hindered.${way.hindered ?? 'too_thin'}`)}</span>
        ) : (
          t(side === 'exact_in' ? 'why.gives' : 'why.takes', { money: figuresText(way.amount, way.asset) })
        )}
      </span>
      {way.worse !== null && (
        <>
          <span className={css.track} aria-hidden="true">
            <span style={{ width: `${permille(way.worse, dearest) / 10}%` }} />
          </span>
          <span className={css.note}>
            {taken
              ? t('why.best')
              : isZero(way.worse)
                ? t('why.equal')
                : t(side === 'exact_in' ? 'why.worseLess' : 'why.worseMore', {
                    money: figuresText(way.worse, way.asset),
                  })}
          </span>
        </>
      )}
    </li>
  );
}

/** The top of every book at the decision, how old it was, and why some were left out. */
function Books({ execution }: { execution: Execution }) {
  const { t, i18n } = useTranslation('exchange');
  const venue = useVenue();
  const several = new Set(execution.books.map(({ market }) => market)).size > 1;
  const price = (market: string, top: Execution['books'][number]['bid']) =>
    top ? bareFigures(priceText(top.price), market.split('-')[1] ?? '') : '–';
  return (
    <div className={css.scroll}>
      <table className={css.books} data-books>
        <caption>{t('books.caption')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('books.venue')}</th>
            <th scope="col">{t('books.bid')}</th>
            <th scope="col">{t('books.ask')}</th>
            <th scope="col">{t('books.age')}</th>
          </tr>
        </thead>
        <tbody>
          {execution.books.map((book) => (
            <tr key={`${book.venue} ${book.symbol}`} data-book={book.venue} data-left-out={book.left_out}>
              <th scope="row">
                {venue(book.venue)}
                {several && <small> {book.market}</small>}
                {book.left_out && (
                  <small>
                    {' '}
                    {i18n.exists(`exchange:books.out.${book.left_out}`)
                      ? t(`books.out.${book.left_out as 'stale'}`)
                      : t('books.out.stale')}
                  </small>
                )}
              </th>
              <td>{price(book.market, book.bid)}</td>
              <td>{price(book.market, book.ask)}</td>
              <td>{book.age_seconds ? t('books.seconds', { age: ageText(book.age_seconds) }) : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** "0.250" → "0.3": a tenth of a second is enough for eyes. */
function ageText(seconds: string): string {
  const [whole = '0', fraction = '0'] = seconds.split('.');
  const tenths = Math.round(Number.parseInt(`${whole}${fraction.padEnd(3, '0').slice(0, 3)}`, 10) / 100);
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}
