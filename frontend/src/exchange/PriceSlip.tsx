import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { isZero, minus } from '@/money/decimal';
import { bareFigures, figuresText, percent } from '@/money/figures';
import { priceText } from '@/money/price';
import { Amount } from '@/ui/Amount';
import { Countdown } from '@/ui/Countdown';
import { Label } from '@/ui/Label';
import { Line, Lines, Slip } from '@/ui/Slip';
import { Bar } from '@/ui/Waiting';
import { change } from './change';
import css from './convert.module.css';
import type { Quote } from './usePrice';

interface Props {
  quote: Quote | null;
  before: Quote | null;
  tired: boolean;
  pending: boolean;
  onExpired: () => void;
  children: ReactNode;
}

/** The firm price: what leaves, what comes, and every cost between them. */
export function PriceSlip({ quote, before, tired, pending, onExpired, children }: Props) {
  const { t } = useTranslation('exchange');
  if (!quote) {
    return (
      <Slip label={t('slip.label')}>
        {pending ? (
          <>
            <p className={css.note}>{t('slip.asking')}</p>
            <Bar width="70%" height={36} />
          </>
        ) : (
          <p className={css.note}>{t('slip.empty')}</p>
        )}
        {children}
      </Slip>
    );
  }
  const changed = change(quote, before);
  const estimate = quote.total_cost.estimate;
  return (
    <Slip label={t('slip.label')}>
      <Countdown
        key={quote.id}
        // Nobody renews it any more: it is over, whatever becomes of the clocks.
        expiresAt={tired ? quote.created_at : quote.expires_at}
        life={lifeOf(quote)}
        thing={t('slip.thisPrice')}
        note={t('slip.firm')}
        expiredNote={tired ? t('slip.expired') : t('slip.renewing')}
        {...(!tired && { onExpired })}
      />
      {changed && (
        <p className={css.note}>
          <strong>{t('slip.newPrice')}</strong>{' '}
          {t(changed.worse ? 'slip.worse' : 'slip.better', {
            money: figuresText(changed.amount, changed.asset, 'full'),
          })}
        </p>
      )}
      <hr />
      <div>
        <Label>{t('slip.get')}</Label>
        <p className={css.big}>
          <Amount amount={quote.deliver.amount} asset={quote.deliver.asset} />
        </p>
        <p className={css.note}>
          {estimate &&
            t('slip.costs', {
              money: figuresText(estimate.amount, estimate.currency),
              share: percent(quote.total_cost.share),
            })}
        </p>
      </div>
      <CostLines of={quote} total={t('slip.debit', { asset: quote.debit.asset })} />
      <p className={css.note}>
        {t('slip.rate', {
          from: quote.from_asset,
          rate: bareFigures(priceText(quote.rate), quote.to_asset),
          to: quote.to_asset,
        })}
      </p>
      {children}
    </Slip>
  );
}

/** The life of a quote in seconds. */
export function lifeOf(quote: Pick<Quote, 'created_at' | 'expires_at'>): number {
  return Math.max(1, Math.round((Date.parse(quote.expires_at) - Date.parse(quote.created_at)) / 1000));
}

interface CostProps {
  of: Pick<Quote, 'debit' | 'fees'>;
  total: string;
}

/** What is exchanged and every cost, each on its line, a cost that there is none of too: they add up to the debit. */
export function CostLines({ of: { debit, fees }, total }: CostProps) {
  const { t } = useTranslation('exchange');
  const exchanged = fees.reduce((rest, fee) => minus(rest, fee.amount.amount), debit.amount);
  const networkFree = !fees.some((fee) => fee.kind === 'network');
  return (
    <Lines>
      <Line name={t('slip.exchanged')}>{bareFigures(exchanged, debit.asset, 'full')}</Line>
      {networkFree && <Line name={t('fee.network')}>{t('fee.none')}</Line>}
      {fees.map((fee) => (
        <Line key={fee.kind} name={t(`fee.${fee.kind}`)}>
          <span data-fee={fee.kind}>
            {isZero(fee.amount.amount) ? t('fee.none') : bareFigures(fee.amount.amount, debit.asset, 'full')}
          </span>
        </Line>
      ))}
      <Line name={total} strong>
        {bareFigures(debit.amount, debit.asset, 'full')}
      </Line>
    </Lines>
  );
}
