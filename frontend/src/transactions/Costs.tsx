import { UnstyledButton } from '@mantine/core';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import { bareFigures, figuresText, percent } from '@/money/figures';
import { Amount } from '@/ui/Amount';
import { ChevronIcon } from '@/ui/icons';
import { Label } from '@/ui/Label';
import { Line, Lines } from '@/ui/Slip';
import css from './pay.module.css';
import { converted, type Quote } from './quotes';

/** The debit, and where each unit of it goes: the lines add up on the spot. */
export function Costs({ quote, fold = true }: { quote: Quote; fold?: boolean }) {
  const { t } = useTranslation('transactions');
  const [open, setOpen] = useState(true);
  const id = useId();
  const estimate = quote.total_cost.estimate;
  return (
    <>
      <div>
        <Label>{t('with.allIn')}</Label>
        <p className={css.payAmount} data-debit={quote.debit.amount}>
          <Amount amount={quote.debit.amount} asset={quote.debit.asset} form="full" />
        </p>
      </div>
      {fold && (
        <UnstyledButton
          className={css.fold}
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
        >
          {estimate
            ? t('with.costs', {
                money: figuresText(estimate.amount, estimate.currency),
                share: percent(quote.total_cost.share),
              })
            : t('with.costsShare', { share: percent(quote.total_cost.share) })}
          <ChevronIcon />
        </UnstyledButton>
      )}
      <div id={id} hidden={fold && !open}>
        <FeeLines quote={quote} />
      </div>
    </>
  );
}

interface FeeLinesProps {
  quote: Pick<Quote, 'debit' | 'deliver' | 'fees'> & { network?: string | null };
  /** Other words for the first line and the last. */
  became?: string;
  total?: string;
}

/** What becomes theirs, each fee, the sum. */
export function FeeLines({ quote, became, total }: FeeLinesProps) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const { debit, deliver } = quote;
  const same = debit.asset === deliver.asset;
  return (
    <Lines>
      <Line
        name={
          same
            ? t('fee.reaches')
            : (became ?? t('fee.becomes', { money: figuresText(deliver.amount, deliver.asset) }))
        }
      >
        {bareFigures(converted(quote), debit.asset, 'full')}
      </Line>
      {quote.fees.map((fee) => (
        <Line
          key={fee.kind}
          name={
            fee.kind === 'network' && quote.network
              ? t('fee.networkOf', { network: names.network(quote.network) })
              : t(`fee.${fee.kind}`)
          }
        >
          <span data-fee={fee.kind}>{bareFigures(fee.amount.amount, fee.amount.asset, 'full')}</span>
        </Line>
      ))}
      <Line name={total ?? t('fee.debit', { asset: debit.asset })} strong>
        {bareFigures(debit.amount, debit.asset, 'full')}
      </Line>
    </Lines>
  );
}
