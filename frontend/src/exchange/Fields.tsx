import { NativeSelect } from '@mantine/core';
import type { Ref } from 'react';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import { fieldFigures, figuresText } from '@/money/figures';
import { AmountInput } from '@/ui/AmountInput';
import { SwapIcon } from '@/ui/icons';
import css from './convert.module.css';
import type { Quote, Wanted } from './usePrice';

interface Props {
  from: string;
  to: string;
  /** What can be given: the assets one has something of. */
  gives: readonly string[];
  gets: readonly string[];
  available: string | undefined;
  side: Wanted['side'];
  text: string;
  max: boolean;
  fault: string | undefined;
  quote: Quote | undefined;
  field: Ref<HTMLInputElement>;
  onChoose: (next: { from?: string; to?: string }) => void;
  onType: (side: Wanted['side'], text: string) => void;
  onMax: () => void;
}

/** From and to, and one amount of the two: the other one is told by the price. */
export function Fields(props: Props) {
  const { from, to, gives, gets, available, side, text, max, fault, quote, field, onChoose, onType, onMax } =
    props;
  const { t } = useTranslation('exchange');
  const names = useNames();
  const options = (list: readonly string[]) =>
    list.map((code) => ({ value: code, label: `${names.asset(code)} (${code})` }));
  const told = (amount: Quote['debit'] | undefined) =>
    amount ? fieldFigures(amount.amount, amount.asset, 'full') : '';
  const given = max ? t('convert.everything') : side === 'exact_in' ? text : told(quote?.debit);
  return (
    <div className={css.fields}>
      <NativeSelect
        label={t('convert.from')}
        data={options(gives)}
        value={from}
        onChange={(event) => onChoose({ from: event.currentTarget.value })}
      />
      <AmountInput
        ref={side === 'exact_in' ? field : undefined}
        label={t('convert.give')}
        value={given}
        // Whatever is typed over "everything" begins anew.
        onChange={(next) => onType('exact_in', max ? '' : next)}
        unit={from}
        error={side === 'exact_in' ? fault : undefined}
        description={available && t('convert.available', { money: figuresText(available, from) })}
        extra={
          <button type="button" onClick={onMax}>
            {t('convert.max')}
          </button>
        }
      />
      <button
        type="button"
        className={css.swap}
        aria-label={t('convert.swap')}
        disabled={!gives.includes(to)}
        onClick={() => onChoose({ from: to, to: from })}
      >
        <SwapIcon />
      </button>
      <NativeSelect
        label={t('convert.to')}
        data={options(gets)}
        value={to}
        onChange={(event) => onChoose({ to: event.currentTarget.value })}
      />
      <AmountInput
        ref={side === 'exact_out' ? field : undefined}
        label={t('convert.get')}
        value={side === 'exact_out' ? text : told(quote?.deliver)}
        onChange={(next) => onType('exact_out', next)}
        unit={to}
        error={side === 'exact_out' ? fault : undefined}
      />
    </div>
  );
}
