import { VisuallyHidden } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { isZero } from '@/money/decimal';
import { bareFigures, decimalPoint, type Form, figures } from '@/money/figures';
import css from './Amount.module.css';

interface Props {
  amount: string;
  asset: string;
  /** `short` in lists and sentences, `full` where columns add up. */
  form?: Form;
  /** Still moving: set in italics, as depths are on a sea chart. */
  afloat?: boolean;
  /** Puts the points of a column under each other: the widest whole part, in characters. */
  align?: number;
  /** Leaves the unit to the column's head. */
  unit?: boolean;
  /** Nothing there is an en dash, read out "none". */
  dash?: boolean;
  strong?: boolean;
  /** What rises says so: a plus where nothing else would stand. */
  signed?: boolean;
}

/** Figures, then the unit. The exact value, always: digits past the eighth are fainter, never cut. */
export function Amount({
  amount,
  asset,
  form = 'short',
  afloat,
  align,
  unit = true,
  dash,
  strong,
  signed,
}: Props) {
  const { t } = useTranslation('ui');
  if (dash && isZero(amount)) {
    return (
      <span className={css.none} style={align ? { paddingInlineStart: `${align - 1}ch` } : undefined}>
        <span aria-hidden="true">–</span>
        <VisuallyHidden>{t('amount.none')}</VisuallyHidden>
      </span>
    );
  }
  const { sign, whole, fraction, tail } = figures(amount, asset, form);
  const plus = signed && !sign && !isZero(amount) ? '+' : '';
  const decimals = fraction + tail;
  const body = (
    <>
      <span className={css.whole}>{plus + sign + whole}</span>
      {decimals && (
        <span className={css.fraction}>
          {decimalPoint()}
          {fraction}
          {tail && <span className={css.tail}>{tail}</span>}
        </span>
      )}
    </>
  );
  const classes = [css.amount, afloat && css.afloat, strong && css.strong, align && css.aligned];
  if (align) {
    return (
      <span dir="ltr" className={classes.filter(Boolean).join(' ')} style={{ '--whole': `${align}ch` }}>
        <span aria-hidden="true" className={css.grid}>
          {body}
          {unit && (
            <span className={css.unit} data-unit="">
              {asset}
            </span>
          )}
        </span>
        <VisuallyHidden>
          {plus + bareFigures(amount, asset, form)} {asset}
        </VisuallyHidden>
      </span>
    );
  }
  return (
    <span dir="ltr" className={classes.filter(Boolean).join(' ')}>
      {body}
      {unit && (
        <span className={css.unit} data-unit="">
          {' '}
          {asset}
        </span>
      )}
    </span>
  );
}
