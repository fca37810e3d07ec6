import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { QuotesCreateResponse } from '@/client/types.gen';
import { isZero, minus } from '@/money/decimal';
import { bareFigures, figuresText, percent } from '@/money/figures';
import { Amount } from '@/ui/Amount';
import { Countdown } from '@/ui/Countdown';
import { Label } from '@/ui/Label';
import { Line, Lines, Slip } from '@/ui/Slip';
import { Bar } from '@/ui/Waiting';
import { change } from './change';
import css from './convert.module.css';

type Quote = QuotesCreateResponse;

interface Props {
  quote: Quote | null;
  before: Quote | null;
  tired: boolean;
  pending: boolean;
  short: string | null;
  onExpired: () => void;
  children: ReactNode;
}

/** The firm price: what leaves, what comes, and every cost between them. */
export function PriceSlip({ quote, before, tired, pending, short, onExpired, children }: Props) {
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
  const life = Math.max(1, Math.round((Date.parse(quote.expires_at) - Date.parse(quote.created_at)) / 1000));
  const changed = change(quote, before);
  const exchanged = quote.fees.reduce((rest, fee) => minus(rest, fee.amount.amount), quote.debit.amount);
  const estimate = quote.total_cost.estimate;
  return (
    <Slip label={t('slip.label')}>
      <Countdown
        key={quote.id}
        expiresAt={quote.expires_at}
        life={life}
        thing={t('slip.thisPrice')}
        note={t('slip.firm')}
        expiredNote={tired ? t('slip.expired') : t('slip.renewing')}
        onExpired={onExpired}
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
      <Lines>
        <Line name={t('slip.exchanged')}>{bareFigures(exchanged, quote.debit.asset, 'full')}</Line>
        {quote.fees
          .filter((fee) => !isZero(fee.amount.amount))
          .map((fee) => (
            <Line key={fee.kind} name={t(`fee.${fee.kind}`)}>
              {bareFigures(fee.amount.amount, fee.amount.asset, 'full')}
            </Line>
          ))}
        <Line name={t('slip.debit', { asset: quote.debit.asset })} strong>
          {bareFigures(quote.debit.amount, quote.debit.asset, 'full')}
        </Line>
      </Lines>
      <p className={css.note}>
        {t('slip.rate', {
          from: quote.from_asset,
          rate: bareFigures(quote.rate, quote.to_asset),
          to: quote.to_asset,
        })}
      </p>
      {short && (
        <p className={css.fault}>{t('slip.short', { money: figuresText(short, quote.debit.asset) })}</p>
      )}
      {children}
    </Slip>
  );
}
