import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import { compare, minus, permille } from '@/money/decimal';
import { bareFigures, figuresText, wholeWidth } from '@/money/figures';
import { Amount } from '@/ui/Amount';
import { asProblem } from '@/ui/problem';
import { useProblemWords } from '@/ui/problemWords';
import { Bar } from '@/ui/Waiting';
import { changeDraft } from './draft';
import css from './pay.module.css';
import { type Balance, type Quote, shortBy } from './quotes';

export interface Row {
  balance: Balance;
  quote: Quote | null;
  error: unknown;
  pending: boolean;
}

interface Props {
  rows: readonly Row[];
  chosen: string | null;
  best: Quote | null;
  exactIn: boolean;
}

/** A tabular figure of 16 px is this wide: the head stands over the points. */
const INDENT = 9.6;

/** Every asset one has, on one scale of cost: dearer is longer. What falls short stays in the list. */
export function AssetRows({ rows, chosen, best, exactIn }: Props) {
  const { t } = useTranslation('transactions');
  const costs = rows.flatMap(({ quote }) => quote?.total_cost.estimate?.amount ?? []);
  const dearest = costs.reduce((most, cost) => (compare(cost, most) > 0 ? cost : most), '0');
  const align = wholeWidth(rows.flatMap(({ quote }) => (quote ? [quote.debit] : [])));
  return (
    <fieldset className={css.rows}>
      <legend className={css.rowsHead}>
        <span>{t('with.columnAsset')}</span>
        <span style={{ paddingInlineStart: `${(align - 1) * INDENT}px` }}>
          {exactIn ? '' : t('with.columnDebit')}
        </span>
        <span>{exactIn ? '' : t('with.columnCost')}</span>
      </legend>
      {rows.map((row) => (
        <AssetRow
          key={row.balance.asset}
          row={row}
          checked={row.balance.asset === chosen}
          isBest={best !== null && row.quote?.id === best.id}
          dearest={dearest}
          align={align}
          exactIn={exactIn}
        />
      ))}
    </fieldset>
  );
}

interface RowProps {
  row: Row;
  checked: boolean;
  isBest: boolean;
  dearest: string;
  align: number;
  exactIn: boolean;
}

function AssetRow({ row, checked, isBest, dearest, align, exactIn }: RowProps) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const { balance, quote, error, pending } = row;
  const missing = quote ? shortBy(quote, balance.available) : null;
  const blocked = !exactIn && (missing !== null || error !== null);
  return (
    <div
      className={css.assetRow}
      data-checked={(checked && !blocked) || undefined}
      data-short={missing !== null || undefined}
      data-asset={balance.asset}
    >
      <label className={css.rowLabel}>
        <input
          type="radio"
          name="pay-with"
          checked={checked}
          disabled={blocked}
          onChange={() =>
            changeDraft({ from: balance.asset, ...(exactIn && { payText: '', payMax: false }) })
          }
        />
        <span className={css.who}>
          <span>
            <strong>{names.asset(balance.asset)}</strong>
            {isBest && <span className={css.tag}>{t('with.cheapest')}</span>}
          </span>
          <span className={css.small}>
            {t('with.available', { money: figuresText(balance.available, balance.asset) })}
          </span>
        </span>
      </label>
      <div className={css.debit}>
        {quote ? (
          <>
            <Amount
              amount={quote.debit.amount}
              asset={quote.debit.asset}
              form="full"
              align={align}
              strong={!missing}
            />
            <span className={css.indent} style={{ paddingInlineStart: `${align - 1}ch` }}>
              <span className={css.small}>
                {missing
                  ? t('with.shortBy', { amount: bareFigures(missing, balance.asset) })
                  : t('with.leaves', {
                      amount: bareFigures(minus(balance.available, quote.debit.amount), balance.asset),
                    })}
              </span>
            </span>
          </>
        ) : (
          pending && <Bar width={130} />
        )}
      </div>
      <div className={css.cost}>
        {quote && <Cost quote={quote} missing={missing} dearest={dearest} checked={checked && !blocked} />}
        {error !== null && <Why error={error} />}
        {missing && (
          <Link to="/deposit" search={{ asset: balance.asset }}>
            {t('with.add', { money: figuresText(missing, balance.asset) })}
          </Link>
        )}
      </div>
    </div>
  );
}

interface CostProps {
  quote: Quote;
  missing: string | null;
  dearest: string;
  checked: boolean;
}

function Cost({ quote, missing, dearest, checked }: CostProps) {
  const { t } = useTranslation('transactions');
  const estimate = quote.total_cost.estimate;
  if (!estimate) {
    return (
      <span>
        <Amount amount={quote.total_cost.amount.amount} asset={quote.total_cost.amount.asset} />
      </span>
    );
  }
  const money = figuresText(estimate.amount, estimate.currency);
  if (missing) return <span className={css.small}>{t('with.wouldCost', { money })}</span>;
  return (
    <>
      <span>{money}</span>
      <span className={css.costBar} data-checked={checked || undefined} aria-hidden="true">
        <span style={{ width: `${permille(estimate.amount, dearest) / 10}%` }} />
      </span>
    </>
  );
}

function Why({ error }: { error: unknown }) {
  const words = useProblemWords()(asProblem(error));
  return <span className={css.small}>{words.title}</span>;
}
