import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useNetworkName } from '@/app/assets';
import { treasuryListMovesOptions, treasuryListWalletsOptions } from '@/client/@tanstack/react-query.gen';
import { bareFigures, figuresText } from '@/money/figures';
import { serverNow } from '@/ui/clock';
import { ProblemNote } from '@/ui/ProblemNote';
import { StatusBadge } from '@/ui/StatusBadge';
import { moment } from '@/ui/time';
import { Bars, Empty } from '@/ui/Waiting';
import css from './ops.module.css';

const EVERY = 10_000;
const STANDING = { under_way: 'moving', arrived: 'done', failed: 'waiting' } as const;

/** The house's own money: what it has where, and which of its moves have not arrived. */
export function Moves() {
  const { t } = useTranslation('ops');
  const network = useNetworkName();
  const moves = useQuery({ ...treasuryListMovesOptions({ query: { limit: 50 } }), refetchInterval: EVERY });
  const wallets = useQuery({ ...treasuryListWalletsOptions(), refetchInterval: EVERY });
  const open = moves.data?.items.filter((one) => one.state !== 'arrived') ?? [];
  return (
    <section className={css.section} aria-labelledby="moves">
      <h2 id="moves">{t('moves.title', { count: open.length })}</h2>
      {moves.error && !moves.data && <ProblemNote error={moves.error} onRetry={() => void moves.refetch()} />}
      {moves.isPending && <Bars rows={1} />}
      {moves.data && open.length === 0 && <Empty sentence={t('moves.none')} />}
      <ul className={css.list}>
        {open.map((one) => (
          <li key={one.id} className={css.row}>
            <p>
              <strong>{figuresText(one.amount, one.asset)}</strong> {t(`moves.purpose.${one.purpose}`)}
              <span className={css.note}>
                {network(one.network)}, {moment(one.created_at, serverNow())}
                {one.reason && `. ${one.reason}`}
              </span>
            </p>
            <StatusBadge standing={STANDING[one.state]} word={t(`moves.state.${one.state}`)} />
          </li>
        ))}
      </ul>
      {wallets.data && (
        <div className={css.scroll}>
          <table>
            <caption>{t('wallets.title')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('wallets.asset')}</th>
                {(['hot', 'payable', 'deposits', 'cold'] as const).map((name) => (
                  <th key={name} scope="col">
                    {t(`wallets.${name}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {wallets.data.items.map((one) => (
                <tr key={`${one.asset}${one.network}`}>
                  <th scope="row">
                    {one.asset} <span className={css.note}>{network(one.network)}</span>
                  </th>
                  {([one.hot, one.payable, one.deposits, one.cold] as const).map((amount, index) => (
                    <td key={['hot', 'payable', 'deposits', 'cold'][index]}>
                      {bareFigures(amount, one.asset)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
