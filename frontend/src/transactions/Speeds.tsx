import { useTranslation } from 'react-i18next';
import { isZero, minus } from '@/money/decimal';
import { figuresText } from '@/money/figures';
import { minute } from '@/ui/time';
import { changeDraft, type Speed } from './draft';
import css from './pay.module.css';
import { type Quote, speedCost } from './quotes';

/** Three ways to be sent, each with its price and its arrival. */
export function Speeds({ quote, chosen }: { quote: Quote; chosen: Speed }) {
  const { t } = useTranslation('transactions');
  const currency = quote.total_cost.estimate?.currency ?? '';
  return (
    <fieldset className={css.speeds}>
      <legend>{t('speed.legend')}</legend>
      <div className={css.speedRow}>
        {quote.speeds.map((option) => {
          const cost = speedCost(quote, option.speed);
          const words = cost ? figuresText(cost, currency) : difference(quote, option);
          return (
            <label key={option.speed} data-checked={option.speed === chosen || undefined}>
              <input
                type="radio"
                name="speed"
                checked={option.speed === chosen}
                onChange={() => changeDraft({ speed: option.speed })}
              />
              <span className={css.speedTop}>
                <strong>{t(`speed.${option.speed}`)}</strong>
                <span>{words}</span>
              </span>
              <span className={css.small}>
                {t('speed.arrives', {
                  from: minute(option.arrives_by.earliest),
                  to: minute(option.arrives_by.latest),
                })}
              </span>
            </label>
          );
        })}
      </div>
    </fieldset>
  );

  /** Where there is no estimate: what more or less they get or you pay. */
  function difference(now: Quote, option: Quote['speeds'][number]): string {
    if (now.side === 'exact_in')
      return t('speed.theyGet', { money: figuresText(option.deliver.amount, option.deliver.asset) });
    const more = minus(option.debit.amount, now.debit.amount);
    return isZero(more) ? '' : figuresText(more, option.debit.asset);
  }
}
