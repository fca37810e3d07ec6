import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import type { WalletsListBalancesResponse } from '@/client/types.gen';
import { isZero, permille, plus, proportion, sum } from '@/money/decimal';
import { bareFigures, wholeWidth } from '@/money/figures';
import { Amount } from '@/ui/Amount';
import css from './home.module.css';

type Balance = WalletsListBalancesResponse['items'][number];

/** A part of an asset on the scale of everything one has, in per cent of the bar. */
function share(part: string, balance: Balance, everything: string): string {
  const whole = balance.total;
  if (!balance.estimate || isZero(everything)) return '0%';
  // What has no total has no price per unit to go by either.
  if (isZero(whole)) return '0%';
  return `${permille(proportion(balance.estimate.amount, part, whole, 6), everything) / 10}%`;
}

export function BalanceTable({ balances }: { balances: readonly Balance[] }) {
  const { t } = useTranslation('wallets');
  const names = useNames();
  const everything = sum(balances.flatMap((item) => (item.estimate ? [item.estimate.amount] : [])));
  const currency = balances.find((item) => item.estimate)?.estimate?.currency ?? 'USD';
  const width = (pick: (item: Balance) => string) =>
    wholeWidth(balances.map((item) => ({ amount: pick(item), asset: item.asset })));
  const [available, held, incoming] = [
    width((item) => item.available),
    width((item) => item.held),
    width((item) => item.incoming),
  ];
  const moving = balances.some((item) => !isZero(plus(item.held, item.incoming)));
  return (
    <>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">{t('balances.asset')}</th>
            <th scope="col" className={css.availableCell}>
              {t('balances.available')}
            </th>
            <th scope="col" className={css.wide}>
              {t('balances.held')}
            </th>
            <th scope="col" className={css.wide}>
              {t('balances.incoming')}
            </th>
            <th scope="col" className={`${css.worth} ${css.wide}`}>
              {t('balances.worth', { currency })}
            </th>
          </tr>
        </thead>
        {balances.map((item) => (
          <tbody key={item.asset} data-asset={item.asset}>
            <tr>
              <th scope="row" className={css.asset}>
                <Link to="/balances/$asset" params={{ asset: item.asset }}>
                  {names.asset(item.asset)}
                </Link>{' '}
                <small>{item.asset}</small>
              </th>
              <td className={css.availableCell} data-available={item.available}>
                <Amount amount={item.available} asset={item.asset} unit={false} align={available} dash />
                {!isZero(item.held) && (
                  <span className={css.under}>
                    {bareFigures(item.held, item.asset)} {t('balances.onHold')}
                  </span>
                )}
                {!isZero(item.incoming) && (
                  <span className={css.under}>
                    {bareFigures(item.incoming, item.asset)} {t('balances.comingIn')}
                  </span>
                )}
              </td>
              <td className={css.wide}>
                <Amount amount={item.held} asset={item.asset} unit={false} align={held} afloat dash />
              </td>
              <td className={css.wide}>
                <Amount amount={item.incoming} asset={item.asset} unit={false} align={incoming} afloat dash />
              </td>
              <td className={`${css.worth} ${css.wide}`}>
                {item.estimate && !isZero(item.total) ? (
                  bareFigures(item.estimate.amount, item.estimate.currency)
                ) : (
                  <span className={css.noWorth}>–</span>
                )}
              </td>
            </tr>
            <tr>
              <td colSpan={5} className={css.barCell}>
                <div className={css.bar} aria-hidden="true">
                  <span
                    className={css.available}
                    style={{ width: share(item.available, item, everything) }}
                  />
                  <span className={css.held} style={{ width: share(item.held, item, everything) }} />
                  <span className={css.incoming} style={{ width: share(item.incoming, item, everything) }} />
                </div>
              </td>
            </tr>
          </tbody>
        ))}
      </table>
      {moving && (
        <p className={css.legend}>
          <span>
            <i className={css.available} /> {t('balances.legendAvailable')}
          </span>
          <span className={css.afloat}>
            <i className={css.held} /> {t('balances.onHold')}
          </span>
          <span className={css.afloat}>
            <i className={css.incoming} /> {t('balances.comingIn')}
          </span>
          <em>{t('balances.italics')}</em>
        </p>
      )}
    </>
  );
}
