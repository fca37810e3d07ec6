import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { isMoving, useMovementWords } from '@/app/movements';
import { auditGetBooksOptions, transactionsListOptions } from '@/client/@tanstack/react-query.gen';
import type { AuditGetBooksResponse } from '@/client/types.gen';
import { compare, isZero, permille } from '@/money/decimal';
import { bareFigures } from '@/money/figures';
import { useServerNow } from '@/ui/clock';
import { TickIcon } from '@/ui/icons';
import { ProblemNote } from '@/ui/ProblemNote';
import { clock, minutesSeconds } from '@/ui/time';
import { Bars } from '@/ui/Waiting';
import css from './break.module.css';
import { placeName } from './places';

/** Longer than this and somebody may wonder. */
const LONG_SECONDS = 30;

/** Two basins at one level, one payout a withdrawal, and the oldest thing that waits. */
export function StaysTrue() {
  const { t } = useTranslation('sandbox');
  const books = useQuery({ ...auditGetBooksOptions(), refetchInterval: 5000 });
  const history = useQuery(transactionsListOptions({ query: { limit: 20 } }));
  const now = useServerNow();
  const oldest = history.data?.items.filter(isMoving).sort((a, b) => a.at.localeCompare(b.at))[0];
  const words = useMovementWords();
  const waited = oldest ? Math.floor((now - Date.parse(oldest.at)) / 1000) : 0;
  const data = books.data;
  return (
    <section aria-labelledby="true">
      <header className={css.trueHead}>
        <h2 id="true">{t('true.title')}</h2>
        {data?.checked_at && (
          <span data-exact={data.exact ?? undefined}>
            {t('true.checked', { time: clock(data.checked_at) })}
          </span>
        )}
      </header>
      {books.error && !data && <ProblemNote error={books.error} onRetry={() => void books.refetch()} />}
      {!data && !books.error && <Bars rows={3} height={80} />}
      {data && (
        <>
          {data.assets.length === 0 && <p className={css.none}>{t('true.notYet')}</p>}
          <div className={css.basins}>
            {data.assets.map((line) => (
              <Basins key={line.asset} line={line} />
            ))}
          </div>
          <dl className={css.facts}>
            <Places places={data.places} />
            <div>
              <dd data-amber={data.payouts_at_most > 1 || undefined}>{data.payouts_at_most}</dd>
              <dt>
                <strong>{t('true.payouts')}</strong>
                {t('true.counted', { withdrawals: data.withdrawals, attempts: data.attempts })}
              </dt>
            </div>
            <div>
              <dd data-amber={waited > LONG_SECONDS || undefined}>{oldest ? minutesSeconds(waited) : '–'}</dd>
              <dt>
                <strong>{t('true.oldest')}</strong>
                {oldest ? `${words(oldest).title}. ${words(oldest).state}.` : t('true.nothing')}
              </dt>
            </div>
            <div>
              <dd data-amber={data.frozen.length > 0 || undefined}>
                {data.checked_at
                  ? minutesSeconds(Math.max(0, Math.floor((now - Date.parse(data.checked_at)) / 1000)))
                  : '–'}
              </dd>
              <dt>
                <strong>{t('true.last')}</strong>
                {data.frozen.length > 0
                  ? t('true.frozen', { assets: data.frozen.join(', ') })
                  : t('true.took', { count: data.milliseconds ?? 0 })}
              </dt>
            </div>
          </dl>
          {data.detail && <p className={css.none}>{data.detail}</p>}
        </>
      )}
    </section>
  );
}

/** How many places were compared, and where world and books differ: each network and each exchange, asset by asset. */
function Places({ places }: { places: AuditGetBooksResponse['places'] }) {
  const { t } = useTranslation('sandbox');
  const off = places.filter((line) => !isZero(line.difference));
  const names = [...new Set(places.map((line) => placeName(line.place)))];
  return (
    <div>
      <dd data-amber={off.length > 0 || undefined}>{`${places.length - off.length}/${places.length}`}</dd>
      <dt>
        <strong>{t('true.places')}</strong>
        {off.length === 0
          ? names.join(', ')
          : off
              .map(
                (line) =>
                  `${placeName(line.place)}: ${line.asset} ${bareFigures(line.difference, line.asset, 'full')}`,
              )
              .join('; ')}
      </dt>
    </div>
  );
}

/** What we have and what we owe, at their levels, with the gate between them. */
function Basins({ line }: { line: AuditGetBooksResponse['assets'][number] }) {
  const { t } = useTranslation('sandbox');
  const exact = isZero(line.difference);
  const most = compare(line.have, line.owe) > 0 ? line.have : line.owe;
  const level = (amount: string) => `${(permille(amount, most) / 1000) * 66}%`;
  return (
    <div className={css.basin}>
      <div className={css.basinHead}>
        <strong>{line.asset}</strong>
        <span data-exact={exact || undefined}>
          {exact && <TickIcon size={16} />}
          {t('true.difference', { amount: bareFigures(line.difference, line.asset, 'full') })}
        </span>
      </div>
      <div className={css.water} aria-hidden="true">
        <span style={{ height: level(line.have) }} />
        <i />
        <span style={{ height: level(line.owe) }} />
      </div>
      <div className={css.levels}>
        <span>
          {t('true.have')}
          <b>{bareFigures(line.have, line.asset, 'full')}</b>
        </span>
        <span>
          {t('true.owe')}
          <b>{bareFigures(line.owe, line.asset, 'full')}</b>
        </span>
      </div>
    </div>
  );
}
