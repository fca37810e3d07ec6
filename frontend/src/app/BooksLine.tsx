import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { auditGetBooksOptions } from '@/client/@tanstack/react-query.gen';
import { isZero } from '@/money/decimal';
import { clock, place } from '@/ui/time';
import { HouseLinks } from './House';
import css from './shell.module.css';

/** When the books were last checked. A difference turns it amber and names the asset. */
export function BooksLine() {
  const { t } = useTranslation('app');
  const { data } = useQuery({
    ...auditGetBooksOptions(),
    refetchInterval: 15_000,
    retry: false,
    meta: { whileSignedOut: true },
  });
  const wrong = data?.assets.filter((line) => !isZero(line.difference)).map((line) => line.asset) ?? [];
  const state = data?.exact === null ? 'unchecked' : data?.exact ? 'exact' : 'differs';
  return (
    <footer className={css.footer} data-part="footer">
      <div className={css.inner}>
        {data?.checked_at && (
          <p className={css.books} data-state={state}>
            <Basins uneven={state === 'differs'} />
            {t(`books.${state}`, { time: clock(data.checked_at), assets: wrong.join(', ') })}{' '}
            {data.frozen.length > 0 && t('books.frozen', { assets: data.frozen.join(', ') })}
          </p>
        )}
        <HouseLinks />
        <p className={css.zone}>{t('timesIn', { place: place() })}</p>
      </div>
    </footer>
  );
}

/** Above every page while a restored database is not released, or everything is frozen: nothing is paid, and why. */
export function StandsStill() {
  const { t } = useTranslation('app');
  const { data } = useQuery({ ...auditGetBooksOptions(), refetchInterval: 15_000, retry: false });
  if (!data?.frozen.includes('*')) return null;
  return (
    <p className={css.still} role="status">
      {data.restored ? t('books.restored') : t('books.still')}
    </p>
  );
}

/** Two basins at one level, or not. */
function Basins({ uneven }: { uneven: boolean }) {
  return (
    <svg width="26" height="16" viewBox="0 0 26 16" aria-hidden="true">
      <rect className={css.basin} x="0" y={uneven ? 8 : 5} width="11" height={uneven ? 6 : 9} />
      <rect className={css.basin} x="15" y="5" width="11" height="9" />
      <rect className={css.basinGate} x="12" y="0" width="2" height="14" />
    </svg>
  );
}
