import { Button } from '@mantine/core';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/app/session';
import { beneficiariesList } from '@/client/sdk.gen';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import { Bars, Empty } from '@/ui/Waiting';
import { Warning } from '@/ui/Warning';
import { AddressForm } from './AddressForm';
import { AddressRow } from './AddressRow';
import css from './addresses.module.css';

/** Named as the generated reads are, so that an event touches it too. */
const KEY = [{ _id: 'beneficiariesList', pages: true }];

/** Who one pays: saved once, confirmed once, paid by name. */
export function AddressBook() {
  const { t } = useTranslation('addresses');
  const me = useMe();
  const queries = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [confirming, setConfirming] = useState<string | null>(null);
  const list = useInfiniteQuery({
    queryKey: KEY,
    queryFn: async ({ pageParam, signal }) =>
      (
        await beneficiariesList({
          query: { limit: 30, ...(pageParam && { cursor: pageParam }) },
          signal,
          throwOnError: true,
        })
      ).data,
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const changed = () =>
    queries.invalidateQueries({
      predicate: ({ queryKey }) => (queryKey[0] as { _id?: string } | undefined)?._id === 'beneficiariesList',
    });
  return (
    <div className={css.page}>
      <header className={css.head}>
        <div>
          <Heading title={t('book.title')}>{t('book.heading')}</Heading>
          <p className={css.lead}>{t('book.lead')}</p>
        </div>
        <div className={css.actions}>
          {!adding && <Button onClick={() => setAdding(true)}>{t('book.add')}</Button>}
          <Link to="/deposit/addresses">{t('book.mine')}</Link>
        </div>
      </header>
      {me.factors.length === 0 && (
        <Warning
          tone="amber"
          title={t('confirm.enrolTitle')}
          ways={
            <Button component={Link} to="/security">
              {t('confirm.enrol')}
            </Button>
          }
        >
          {t('confirm.enrolText')}
        </Warning>
      )}
      {adding && (
        <AddressForm
          onKeep={() => setAdding(false)}
          onSaved={async (id) => {
            await changed();
            setAdding(false);
            if (me.factors.length > 0) setConfirming(id);
          }}
        />
      )}
      {list.error && !list.data && (
        <ProblemNote error={list.error} money={t('book.safe')} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && <Bars rows={4} height={92} />}
      {list.data && items.length === 0 && !adding && <Empty sentence={t('book.empty')} />}
      {items.length > 0 && (
        <ul className={css.list} aria-label={t('book.list')}>
          {items.map((item) => (
            <AddressRow
              key={item.id}
              item={item}
              confirming={confirming === item.id}
              onConfirming={(open) => setConfirming(open ? item.id : null)}
              onChanged={changed}
            />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <div>
          <Button
            variant="default"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {t('book.more')}
          </Button>
        </div>
      )}
    </div>
  );
}
