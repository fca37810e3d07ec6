import { Button, NativeSelect } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useAssets } from '@/app/assets';
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
  const { kind, asset } = route.useSearch();
  const filtered = kind !== undefined || asset !== undefined;
  const codes = useAssets().data?.items.map((item) => item.asset) ?? [];
  const navigate = useNavigate();
  const list = useInfiniteQuery({
    // Named as the generated reads are, so that an event touches it too.
    queryKey: [{ _id: 'transactionsList', kind: kind ?? null, asset: asset ?? null, pages: true }],
    queryFn: async ({ pageParam, signal }) =>
      (
        await transactionsList({
          query: {
            limit: 30,
            ...(kind && { kind }),
            ...(asset && { asset }),
            ...(pageParam && { cursor: pageParam }),
          },
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
      <header className={css.listHead}>
        <Heading title={t('history.title')}>{t('history.title')}</Heading>
        <Files kind={kind} asset={asset} />
      </header>
      <nav className={css.filters} aria-label={t('history.filter')}>
        <Link to="/history" search={asset ? { asset } : {}} activeOptions={EXACT}>
          {t('history.all')}
        </Link>
        {KINDS.map((one) => (
          <Link key={one} to="/history" search={{ kind: one, ...(asset && { asset }) }} activeOptions={EXACT}>
            {t(`history.${one}`)}
          </Link>
        ))}
        <NativeSelect
          aria-label={t('history.asset')}
          value={asset ?? ''}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            const search = { ...(kind && { kind }), ...(chosen && { asset: chosen }) };
            void navigate({ to: '/history', search, replace: true });
          }}
          data={[{ value: '', label: t('history.everyAsset') }, ...codes]}
        />
      </nav>
      {list.error && !list.data && (
        <ProblemNote error={list.error} money={t('status.safe')} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && <Bars rows={6} height={67} />}
      {list.data && items.length === 0 && (
        <Empty sentence={t(filtered ? 'history.emptyFilter' : 'history.empty')}>
          {filtered ? (
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

/** The same list as a file, with the same filters. */
function Files({ kind, asset }: { kind: string | undefined; asset: string | undefined }) {
  const { t } = useTranslation('transactions');
  const filters = { ...(kind && { kind }), ...(asset && { asset }) };
  return (
    <div className={css.files}>
      {(['csv', 'json'] as const).map((format) => (
        <Button
          key={format}
          component="a"
          variant="default"
          href={`/api/v1/transactions/export?${new URLSearchParams({ format, ...filters })}`}
          download
        >
          {t(`history.${format}`)}
        </Button>
      ))}
    </div>
  );
}
