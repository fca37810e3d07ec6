import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import type { Movement } from '@/app/movements';
import { Amount } from '@/ui/Amount';
import { serverNow } from '@/ui/clock';
import { Slip } from '@/ui/Slip';
import { Staff } from '@/ui/Staff';
import { exactMoment } from '@/ui/time';
import css from './home.module.css';

const SHOWN = 5;

/** Everything that has left one place and not yet reached the next. */
export function OnTheMove({ items }: { items: readonly Movement[] }) {
  const { t, i18n } = useTranslation('wallets');
  const names = useNames();
  const where = (item: Movement): string => {
    const network = item.network ? names.network(item.network) : '';
    const values = { network, count: item.confirmations ?? 0, needed: item.confirmations_required ?? 0 };
    if (item.confirmations !== null && (item.state === 'confirming' || item.state === 'detected')) {
      return t('move.depth', values);
    }
    const key = `wallets:move.state.${item.state}`;
    return i18n.exists(key) ? t(`move.state.${item.state as 'queued'}`, values) : item.state;
  };
  const promise = (item: Movement): string => {
    if (!item.expected_by) return '';
    const time = exactMoment(item.expected_by, serverNow());
    return item.kind === 'deposit' ? t('move.yours', { time }) : t('move.promised', { time });
  };
  return (
    <Slip>
      <h2>{t('move.title')}</h2>
      <ul className={css.moves}>
        {items.slice(0, SHOWN).map((item) => {
          const money = item.kind === 'deposit' || item.kind === 'withdrawal' ? item.credit : item.debit;
          const needed = item.confirmations_required ?? 1;
          return (
            <li
              key={`${item.kind}${item.id}`}
              data-kind={item.kind}
              data-id={item.id}
              data-state={item.state}
            >
              {item.confirmations_required === null ? (
                <span />
              ) : (
                <Staff
                  needed={needed}
                  reached={item.confirmations ?? 0}
                  unit={needed <= 2 ? 24 : 18}
                  label={where(item)}
                />
              )}
              <div>
                <p className={css.name}>
                  {money && <Amount amount={money.amount} asset={money.asset} afloat strong />}{' '}
                  {item.kind === 'deposit' && t('move.comingIn')}
                  {item.kind === 'transfer' &&
                    (item.counterpart ? t('move.toLabel', { label: item.counterpart }) : t('move.to'))}
                  {item.kind === 'withdrawal' &&
                    (item.label ? t('move.toLabel', { label: item.label }) : t('move.to'))}
                </p>
                <p>
                  {where(item)} {promise(item)}
                </p>
                {item.kind === 'withdrawal' && (
                  <Link to="/withdrawals/$id" params={{ id: item.id }}>
                    {t('move.where')}
                  </Link>
                )}
                {item.kind === 'transfer' && (
                  <Link to="/transfers/$id" params={{ id: item.id }}>
                    {t('move.where')}
                  </Link>
                )}
                {item.kind === 'deposit' && (
                  <Link to="/deposits/$id" params={{ id: item.id }}>
                    {t('move.where')}
                  </Link>
                )}
              </div>
            </li>
          );
        })}
      </ul>
      {items.length > SHOWN && <Link to="/history">{t('move.more', { count: items.length - SHOWN })}</Link>}
    </Slip>
  );
}
