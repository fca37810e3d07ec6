import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { MovementRow } from '@/app/MovementRow';
import { transactionsList } from '@/client/sdk.gen';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import { Bars, Empty } from '@/ui/Waiting';
import css from './status.module.css';

const route = getRouteApi('/inside/history');
/** No filter is a choice of its own, not part of every other. */
const EXACT = { exact: true, includeSearch: true, explicitUndefined: true };
const KINDS = ['withdrawal', 'deposit', 'conversion', 'transfer'] as const;

/** One list of everything; the filter is in the address. */
export function History() {
  const { t } = useTranslation('transactions');
  const { kind } = route.useSearch();
  const list = useInfiniteQuery({
    // Named as the generated reads are, so that an event touches it too.
    queryKey: [{ _id: 'transactionsList', kind: kind ?? null, pages: true }],
    queryFn: async ({ pageParam, signal }) =>
      (
        await transactionsList({
          query: { limit: 30, ...(kind && { kind }), ...(pageParam && { cursor: pageParam }) },
          signal,
          throwOnError: true,
        })
      ).data,
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className={css.list}>
      <Heading title={t('history.title')}>{t('history.title')}</Heading>
      <nav className={css.filters} aria-label={t('history.filter')}>
        <Link to="/history" search={{}} activeOptions={EXACT}>
          {t('history.all')}
        </Link>
        {KINDS.map((one) => (
          <Link key={one} to="/history" search={{ kind: one }} activeOptions={EXACT}>
            {t(`history.${one}`)}
          </Link>
        ))}
      </nav>
      {list.error && !list.data && (
        <ProblemNote error={list.error} money={t('status.safe')} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && <Bars rows={6} height={67} />}
      {list.data && items.length === 0 && (
        <Empty sentence={t(kind ? 'history.emptyFilter' : 'history.empty')}>
          {kind ? (
            <Link to="/history" search={{}}>
              {t('history.clear')}
            </Link>
          ) : (
            <Button component={Link} to="/deposit">
              {t('history.add')}
            </Button>
          )}
        </Empty>
      )}
      <ul>
        {items.map((item) => (
          <MovementRow key={`${item.kind}${item.id}`} item={item} time />
        ))}
      </ul>
      {list.hasNextPage && (
        <div>
          <Button
            variant="default"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {t('history.more')}
          </Button>
        </div>
      )}
    </div>
  );
}
