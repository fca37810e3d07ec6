import { Button, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { walletsGetStatement } from '@/client/sdk.gen';
import { serverNow } from '@/ui/clock';
import { ProblemNote } from '@/ui/ProblemNote';
import { Bars, Empty } from '@/ui/Waiting';
import { asDay, type Days, momentsOf, month } from './days';
import { StatementLines } from './StatementLines';
import css from './statement.module.css';

const EXACT = { exact: true, includeSearch: true, explicitUndefined: true };

interface Props {
  asset: string;
  days: Days;
}

/** Everything that moved one asset, newest first; which days is in the address. */
export function Statement({ asset, days }: Props) {
  const { t } = useTranslation('wallets');
  const list = useInfiniteQuery({
    // Named as the generated reads are, so that an event touches it too.
    queryKey: [{ _id: 'walletsGetStatement', asset, ...days, pages: true }],
    queryFn: async ({ pageParam, signal }) =>
      (
        await walletsGetStatement({
          path: { asset },
          query: { limit: 50, ...momentsOf(days), ...(pageParam && { cursor: pageParam }) },
          signal,
          throwOnError: true,
        })
      ).data,
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const lines = list.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = Boolean(days.from || days.to);
  return (
    <section className={css.statement} aria-labelledby="statement">
      <header className={css.head}>
        <h2 id="statement">{t('statement.title')}</h2>
        <Files asset={asset} days={days} />
      </header>
      <Filter asset={asset} days={days} />
      {list.error && !list.data && (
        <ProblemNote error={list.error} money={t('home.safe')} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && <Bars rows={6} height={67} />}
      {list.data && lines.length === 0 && (
        <Empty sentence={t(filtered ? 'statement.emptyDays' : 'statement.empty')}>
          {filtered ? (
            <Link to="/balances/$asset" params={{ asset }} search={{}}>
              {t('statement.everything')}
            </Link>
          ) : (
            <Button component={Link} to="/deposit">
              {t('home.deposit')}
            </Button>
          )}
        </Empty>
      )}
      {lines.length > 0 && <StatementLines asset={asset} lines={lines} />}
      {list.hasNextPage && (
        <div>
          <Button
            variant="default"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {t('statement.more')}
          </Button>
        </div>
      )}
    </section>
  );
}

function Files({ asset, days }: Props) {
  const { t } = useTranslation('wallets');
  const href = (format: 'csv' | 'json') => {
    const query = new URLSearchParams({ format, ...momentsOf(days) });
    return `/api/v1/wallets/${encodeURIComponent(asset)}/statement/export?${query}`;
  };
  return (
    <div className={css.files}>
      {(['csv', 'json'] as const).map((format) => (
        <Button key={format} component="a" variant="default" href={href(format)} download>
          {t(`statement.${format}`)}
        </Button>
      ))}
    </div>
  );
}

function Filter({ asset, days }: Props) {
  const { t } = useTranslation('wallets');
  const params = { asset };
  const now = serverNow();
  return (
    <div className={css.filter}>
      <nav className={css.ranges} aria-label={t('statement.filter')}>
        <Link to="/balances/$asset" params={params} search={{}} activeOptions={EXACT}>
          {t('statement.all')}
        </Link>
        <Link to="/balances/$asset" params={params} search={month(now, 0)} activeOptions={EXACT}>
          {t('statement.thisMonth')}
        </Link>
        <Link to="/balances/$asset" params={params} search={month(now, 1)} activeOptions={EXACT}>
          {t('statement.lastMonth')}
        </Link>
      </nav>
      <div className={css.days}>
        <DayField asset={asset} days={days} which="from" />
        <DayField asset={asset} days={days} which="to" />
      </div>
    </div>
  );
}

/** One end of the range. What is typed counts when it is a day; the field keeps what is not one yet. */
function DayField({ asset, days, which }: Props & { which: 'from' | 'to' }) {
  const { t } = useTranslation('wallets');
  const navigate = useNavigate();
  const given = days[which] ?? '';
  const [typed, setTyped] = useState(given);
  useEffect(() => setTyped(given), [given]);
  const other = which === 'from' ? 'to' : 'from';
  return (
    <TextInput
      type="date"
      label={t(`statement.${which}`)}
      value={typed}
      {...(which === 'from' ? { max: days.to } : { min: days.from })}
      onChange={(event) => {
        const { value } = event.currentTarget;
        setTyped(value);
        const day = asDay(value);
        if (value && !day) return;
        const kept = days[other];
        void navigate({
          to: '/balances/$asset',
          params: { asset },
          search: { ...(kept && { [other]: kept }), ...(day && { [which]: day }) },
          replace: true,
        });
      }}
    />
  );
}
