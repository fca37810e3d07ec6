import { Button } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type AssetTerms, useAssets, useNames } from '@/app/assets';
import { addressesCreate, addressesList } from '@/client/sdk.gen';
import type { AddressesListResponse } from '@/client/types.gen';
import { Address } from '@/ui/Address';
import { announce } from '@/ui/announce';
import { CopyButton } from '@/ui/CopyButton';
import { useServerNow } from '@/ui/clock';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import { Qr } from '@/ui/Qr';
import { moment } from '@/ui/time';
import { Bars, Empty } from '@/ui/Waiting';
import css from './addresses.module.css';
import { NoMore } from './NoMore';

const route = getRouteApi('/inside/deposit/addresses');
const EXACT = { exact: true, includeSearch: true, explicitUndefined: true };

type Mine = AddressesListResponse['items'][number];

/** Every address that brings money to this customer; none of them ever stops doing so. */
export function MyAddresses() {
  const { t } = useTranslation('addresses');
  const { asset } = route.useSearch();
  const assets = useAssets();
  const open = assets.data?.items.filter((item) => item.networks.some((one) => one.deposits)) ?? [];
  const list = useInfiniteQuery({
    queryKey: [{ _id: 'addressesList', asset: asset ?? null, pages: true }],
    queryFn: async ({ pageParam, signal }) =>
      (
        await addressesList({
          query: { limit: 30, ...(asset && { asset }), ...(pageParam && { cursor: pageParam }) },
          signal,
          throwOnError: true,
        })
      ).data,
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className={css.page}>
      <header className={css.head}>
        <div>
          <Heading title={t('mine.title')} arrival={asset ?? ''}>
            {t('mine.heading')}
          </Heading>
          <p className={css.lead}>{t('mine.lead')}</p>
        </div>
      </header>
      <nav className={css.filters} aria-label={t('mine.filter')}>
        <Link to="/deposit/addresses" search={{}} activeOptions={EXACT}>
          {t('mine.all')}
        </Link>
        {open.map((item) => (
          <Link key={item.asset} to="/deposit/addresses" search={{ asset: item.asset }} activeOptions={EXACT}>
            {item.asset}
          </Link>
        ))}
      </nav>
      <NewOnes terms={open.find((item) => item.asset === asset)} />
      {list.error && !list.data && (
        <ProblemNote error={list.error} money={t('mine.safe')} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && <Bars rows={4} height={92} />}
      {list.data && items.length === 0 && (
        <Empty sentence={t(asset ? 'mine.emptyFilter' : 'mine.empty')}>
          {!asset && (
            <Button component={Link} to="/deposit">
              {t('mine.deposit')}
            </Button>
          )}
        </Empty>
      )}
      {items.length > 0 && (
        <ul className={css.list} aria-label={t('mine.list')}>
          {items.map((item) => (
            <Row key={item.id} item={item} />
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
            {t('mine.more')}
          </Button>
        </div>
      )}
    </div>
  );
}

/** A fresh address for the asset that is looked at, one button a network. */
function NewOnes({ terms }: { terms: AssetTerms | undefined }) {
  const { t } = useTranslation('addresses');
  const names = useNames();
  const queries = useQueryClient();
  const make = useMutation({
    mutationFn: async (body: { asset: string; network: string }) =>
      (await addressesCreate({ body, throwOnError: true })).data,
    onSuccess: async (made) => {
      announce(t('mine.newReady'));
      queries.setQueryData(['depositAddress', made.asset, made.network], made);
      await queries.invalidateQueries({
        predicate: ({ queryKey }) => (queryKey[0] as { _id?: string } | undefined)?._id === 'addressesList',
      });
    },
  });
  if (!terms) return null;
  return (
    <div className={css.acts}>
      {terms.networks
        .filter((one) => one.deposits)
        .map(({ network }) => (
          <Button
            key={network}
            loading={make.isPending && make.variables.network === network}
            onClick={() => make.mutate({ asset: terms.asset, network })}
          >
            {t('mine.newLabel', { asset: terms.asset, network: names.network(network) })}
          </Button>
        ))}
      {make.error && <NoMore error={make.error} />}
    </div>
  );
}

function Row({ item }: { item: Mine }) {
  const { t } = useTranslation('addresses');
  const names = useNames();
  const now = useServerNow(60_000);
  const [shown, setShown] = useState(false);
  return (
    <li data-mine={item.id}>
      <div className={css.name}>
        <strong>{t('row.on', { asset: item.asset, network: names.network(item.network) })}</strong>
        <span className={css.note}>
          {item.last_deposit_at
            ? t('mine.came', { count: item.deposits, time: moment(item.last_deposit_at, now) })
            : t('mine.unused')}
        </span>
      </div>
      <Address address={item.address} perLine={12} />
      <p className={css.note}>
        {t('mine.only', { asset: item.asset, network: names.network(item.network) })}{' '}
        {t('mine.made', { time: moment(item.created_at, now) })}
      </p>
      {shown && <Qr text={item.uri} label={t('mine.qrOf', { asset: item.asset })} size={180} />}
      <div className={css.small}>
        <CopyButton value={item.address} label={t('mine.copy')} />
        <Button variant="subtle" aria-expanded={shown} onClick={() => setShown(!shown)}>
          {t(shown ? 'mine.qrHide' : 'mine.qr')}
        </Button>
      </div>
    </li>
  );
}
