import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { auditGetBooksOptions } from '@/client/@tanstack/react-query.gen';
import { isZero } from '@/money/decimal';
import { bareFigures } from '@/money/figures';
import { serverNow } from '@/ui/clock';
import { ProblemNote } from '@/ui/ProblemNote';
import { exactMoment } from '@/ui/time';
import { Bars } from '@/ui/Waiting';
import css from './ops.module.css';

/** What we have against what we owe, by asset: zero is shown as zero, with its time. */
export function Books() {
  const { t } = useTranslation('ops');
  const { data, error, refetch } = useQuery({ ...auditGetBooksOptions(), refetchInterval: 15_000 });
  return (
    <section className={css.section} aria-labelledby="books">
      <h2 id="books">{t('books.title')}</h2>
      {error && !data && <ProblemNote error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Bars rows={4} />}
      {data && (
        <>
          <p>
            {data.checked_at
              ? t('books.checked', { time: exactMoment(data.checked_at, serverNow()) })
              : t('books.never')}{' '}
            {data.detail} {t('books.payouts', { most: data.payouts_at_most, withdrawals: data.withdrawals })}
          </p>
          <div className={css.scroll}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('wallets.asset')}</th>
                  <th scope="col">{t('books.have')}</th>
                  <th scope="col">{t('books.owe')}</th>
                  <th scope="col">{t('books.difference')}</th>
                </tr>
              </thead>
              <tbody>
                {data.assets.map((one) => (
                  <tr key={one.asset} data-differs={!isZero(one.difference) || undefined}>
                    <th scope="row">{one.asset}</th>
                    <td>{bareFigures(one.have, one.asset)}</td>
                    <td>{bareFigures(one.owe, one.asset)}</td>
                    <td>{bareFigures(one.difference, one.asset)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}
