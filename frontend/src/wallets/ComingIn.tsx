import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { LiveDot } from '@/app/LiveDot';
import { depositsListOptions } from '@/client/@tanstack/react-query.gen';
import type { DepositsListResponse } from '@/client/types.gen';
import { Amount } from '@/ui/Amount';
import { serverNow } from '@/ui/clock';
import { Label } from '@/ui/Label';
import { ProblemNote } from '@/ui/ProblemNote';
import { Gauge, Staff } from '@/ui/Staff';
import { clock, day, exactMoment } from '@/ui/time';
import { Bars, Empty } from '@/ui/Waiting';
import css from './deposit.module.css';
import { isUnknown } from './depositStory';
import { isComing, useDepositWords } from './depositWords';

type Deposit = DepositsListResponse['items'][number];

/** Deposits on their way, live, and the earlier ones. */
export function ComingIn({ asset }: { asset: string | undefined }) {
  const { t } = useTranslation('wallets');
  const { data, error, refetch } = useQuery(depositsListOptions({ query: { limit: 20 } }));
  const coming = data?.items.filter(isComing) ?? [];
  // The asset on the page first; the others are coming all the same.
  const ordered = [...coming].sort((a, b) => Number(b.asset === asset) - Number(a.asset === asset));
  const [first, ...others] = ordered;
  const earlier = data?.items.filter((item) => !isComing(item)).slice(0, 5) ?? [];
  return (
    <aside className={css.side}>
      <section aria-labelledby="coming">
        <header className={css.sideHead}>
          <h2 id="coming">{t('coming.title')}</h2>
          <LiveDot />
        </header>
        {error && !data && <ProblemNote error={error} onRetry={() => void refetch()} />}
        {!data && !error && <Bars rows={2} />}
        {data && !first && <Empty sentence={t('coming.none')} />}
        {first && <Big deposit={first} />}
        <ul>
          {others.map((item) => (
            <Small key={item.id} deposit={item} />
          ))}
        </ul>
      </section>
      {earlier.length > 0 && (
        <section aria-labelledby="earlier">
          <div className={css.earlierHead}>
            <Label id="earlier">{t('coming.earlier')}</Label>
          </div>
          <ul className={css.earlier}>
            {earlier.map((item) => (
              <li key={item.id} data-id={item.id} data-state={item.state}>
                <Link to="/deposits/$id" params={{ id: item.id }}>
                  {day(item.detected_at)}
                </Link>
                {isUnknown(item) ? (
                  t('detail.unknownToken')
                ) : (
                  <Amount amount={item.amount} asset={item.asset} />
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
    </aside>
  );
}

function Big({ deposit }: { deposit: Deposit }) {
  const { t } = useTranslation('wallets');
  const words = useDepositWords()(deposit);
  return (
    <div className={css.big} data-id={deposit.id} data-state={deposit.state}>
      <Gauge
        needed={deposit.confirmations_required}
        reached={deposit.confirmations}
        unit={deposit.confirmations_required > 2 ? 62 : 92}
        label={words.sentence}
      />
      <div>
        <p className={css.bigAmount}>
          <Amount amount={deposit.amount} asset={deposit.asset} afloat />
        </p>
        <p>{deposit.state === 'confirming' || deposit.state === 'detected' ? words.depth : words.sentence}</p>
        <p className={css.note}>
          {t('coming.seen', { time: exactMoment(deposit.detected_at, serverNow()) })}
        </p>
        {deposit.expected_by && (
          <p className={css.note}>
            {t('coming.yours', { time: exactMoment(deposit.expected_by, serverNow()) })}
          </p>
        )}
        <Link to="/deposits/$id" params={{ id: deposit.id }}>
          {t('move.where')}
        </Link>
      </div>
    </div>
  );
}

function Small({ deposit }: { deposit: Deposit }) {
  const words = useDepositWords()(deposit);
  return (
    <li className={css.small} data-id={deposit.id} data-state={deposit.state}>
      <Staff
        needed={deposit.confirmations_required}
        reached={deposit.confirmations}
        unit={18}
        label={words.sentence}
      />
      <div>
        <Link to="/deposits/$id" params={{ id: deposit.id }}>
          <Amount amount={deposit.amount} asset={deposit.asset} afloat strong />
        </Link>
        <p className={css.note}>
          {words.depth}, {clock(deposit.detected_at)}
        </p>
      </div>
    </li>
  );
}
