import { useTranslation } from 'react-i18next';
import type { ConversionsGetResponse } from '@/client/types.gen';
import { isZero } from '@/money/decimal';
import { priceText } from '@/money/price';
import { serverNow } from '@/ui/clock';
import { type Standing, StatusBadge } from '@/ui/StatusBadge';
import { exactMoment } from '@/ui/time';
import { difference, fine } from './best';
import { useVenue } from './names';
import css from './receipt.module.css';

type Conversion = ConversionsGetResponse;
type Order = Conversion['receipt']['orders'][number];

const STANDING: Record<string, Standing> = {
  filled: 'done',
  partly_filled: 'done',
  cancelled: 'over',
  rejected: 'over',
};

/** The trades by which the house squared itself. They run beside the conversion and never changed it. */
export function OurTrade({ conversion: { receipt, fills } }: { conversion: Conversion }) {
  const { t } = useTranslation('exchange');
  const venue = useVenue();
  const now = serverNow();
  // What an order left is ordered anew, later: that is no beginning.
  const stage = receipt.hedge === 'waiting' && fills.length > 0 ? 'running' : receipt.hedge;
  return (
    <section className={css.part} aria-labelledby="trade" data-hedge={stage}>
      <h2 id="trade">{t('trade.heading')}</h2>
      <p className={css.note}>
        {t(`detail.hedge.${stage}`)} {t('trade.yours')}
      </p>
      {receipt.orders.length > 0 && (
        <ul className={css.orders} aria-label={t('trade.orders')}>
          {receipt.orders.map((order) => (
            <OneOrder key={order.id} order={order} />
          ))}
        </ul>
      )}
      {fills.length > 0 && (
        <div className={css.scroll}>
          <table className={css.books} data-fills>
            <caption>{t('trade.fills')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('books.venue')}</th>
                <th scope="col">{t('trade.quantity')}</th>
                <th scope="col">{t('trade.price')}</th>
                <th scope="col">{t('trade.time')}</th>
              </tr>
            </thead>
            <tbody>
              {fills.map((fill) => (
                <tr key={`${fill.venue} ${fill.market} ${fill.trade_id}`}>
                  <th scope="row">{venue(fill.venue)}</th>
                  <td>{fill.quantity}</td>
                  <td>{fill.price}</td>
                  <td>{exactMoment(fill.booked_at, now)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Realised receipt={receipt} />
    </section>
  );
}

function OneOrder({ order }: { order: Order }) {
  const { t, i18n } = useTranslation('exchange');
  const venue = useVenue();
  const [base = '', quote = ''] = order.market.split('-');
  const size = order.quantity ?? order.filled;
  return (
    <li data-order={order.state}>
      <span>
        <strong>{venue(order.venue)}</strong>{' '}
        {t(order.side === 'sell' ? 'trade.sell' : 'trade.buy', { size, base, quote })}
      </span>
      <StatusBadge
        standing={STANDING[order.state] ?? 'moving'}
        word={
          i18n.exists(`exchange:trade.state.${order.state}`)
            ? t(`trade.state.${order.state as 'open'}`)
            : order.state
        }
      />
    </li>
  );
}

/** What the trades came to against what was promised: the house's gain or loss, never the customer's. */
function Realised({ receipt }: { receipt: Conversion['receipt'] }) {
  const { t } = useTranslation('exchange');
  const realised = receipt.execution?.realised;
  const price = realised?.price ?? receipt.hedge_price;
  if (!price) return null;
  const told = realised?.against_quoted ? difference(realised.against_quoted) : null;
  return (
    <p className={css.note} data-realised={realised?.against_quoted ?? undefined}>
      {t('trade.average', { price: priceText(price), rate: priceText(receipt.rate) })}{' '}
      {told &&
        (isZero(told.size)
          ? t('trade.same')
          : t(told.worse ? 'trade.below' : 'trade.above', { share: fine(told.size) }))}
    </p>
  );
}
