import { Button, NativeSelect } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAssets, useNames } from '@/app/assets';
import {
  conversionsGetQueryKey,
  walletsListBalancesOptions,
  walletsListBalancesQueryKey,
} from '@/client/@tanstack/react-query.gen';
import { conversionsCreate, quotesCreate } from '@/client/sdk.gen';
import type { QuotesCreateResponse } from '@/client/types.gen';
import { compare, isZero, minus } from '@/money/decimal';
import { bareFigures, figuresText } from '@/money/figures';
import { typed } from '@/money/typed';
import { AmountInput } from '@/ui/AmountInput';
import { Heading } from '@/ui/Heading';
import { SwapIcon } from '@/ui/icons';
import { useOnce } from '@/ui/once';
import { FieldProblem, ProblemNote } from '@/ui/ProblemNote';
import { isCode, isUnknownOutcome } from '@/ui/problem';
import { Bars, Empty } from '@/ui/Waiting';
import css from './convert.module.css';
import { PriceSlip } from './PriceSlip';

const route = getRouteApi('/inside/convert');
const REST_MILLISECONDS = 400;
const MOST_ROUNDS = 20;

type Quote = QuotesCreateResponse;
interface Wanted {
  from: string;
  to: string;
  side: 'exact_in' | 'exact_out';
  amount: string;
}

/** A firm price for what was typed, renewed in place while somebody looks; never accepted by itself. */
function usePrice(wanted: Wanted | null) {
  const [round, setRound] = useState(0);
  const [tired, setTired] = useState(false);
  const before = useRef<Quote | null>(null);
  const text = JSON.stringify(wanted);
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => {
      setRested(text);
      setRound(0);
      setTired(false);
      before.current = null;
    }, REST_MILLISECONDS);
    return () => window.clearTimeout(timer);
  }, [text]);
  const asked = JSON.parse(rested) as Wanted | null;
  const query = useQuery({
    queryKey: ['conversionQuote', asked, round],
    enabled: asked !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    placeholderData: round > 0 ? keepPreviousData : undefined,
    queryFn: async ({ signal }) => {
      if (!asked) throw new Error('nothing is asked for');
      const { data } = await quotesCreate({
        body: {
          kind: 'conversion',
          from_asset: asked.from,
          to_asset: asked.to,
          side: asked.side,
          amount: asked.amount,
        },
        signal,
        throwOnError: true,
      });
      return data;
    },
  });
  const quote = text === rested ? query.data : undefined;
  const renew = () => {
    before.current = quote ?? null;
    setTired(false);
    setRound((count) => count + 1);
  };
  const onExpired = () => {
    if (document.hidden || round >= MOST_ROUNDS) setTired(true);
    else renew();
  };
  const error = text === rested ? query.error : null;
  return { quote, error, tired, renew, onExpired, before: before.current, fetching: query.isFetching };
}

export function Convert() {
  const { t } = useTranslation('exchange');
  const names = useNames();
  const search = route.useSearch();
  const router = useRouter();
  const queries = useQueryClient();
  const assets = useAssets();
  const balances = useQuery(walletsListBalancesOptions());
  const held = balances.data?.items.filter((item) => !isZero(item.available)) ?? [];
  const codes = assets.data?.items.map((item) => item.asset) ?? [];
  const from = held.find((item) => item.asset === search.from)?.asset ?? held[0]?.asset ?? null;
  const to =
    codes.find((code) => code === search.to && code !== from) ?? codes.find((code) => code !== from) ?? null;
  const [side, setSide] = useState<Wanted['side']>('exact_in');
  const [text, setText] = useState('');
  const [max, setMax] = useState(false);
  const [asked, setAsked] = useState(false);
  const payField = useRef<HTMLInputElement>(null);

  const typedAsset = side === 'exact_in' ? from : to;
  const decimals = assets.data?.items.find((item) => item.asset === typedAsset)?.decimals ?? 18;
  const figure = typed(text, decimals);
  const amount = max ? 'max' : figure.ok ? figure.amount : null;
  const price = usePrice(from && to && amount ? { from, to, side, amount } : null);
  const { quote } = price;
  const available = held.find((item) => item.asset === from)?.available;
  const short =
    quote && available && compare(quote.debit.amount, available) > 0
      ? minus(quote.debit.amount, available)
      : null;

  const once = useOnce();
  const accept = useMutation({
    mutationFn: async (accepted: Quote) => {
      const ask = () =>
        conversionsCreate({
          body: { quote_id: accepted.id },
          // One key a price: however often it is asked, it happens once.
          headers: { 'idempotency-key': `accept:${accepted.id}` },
          throwOnError: true,
        });
      for (let tried = 1; ; tried += 1) {
        try {
          return (await ask()).data;
        } catch (error) {
          if (!(isUnknownOutcome(error) || isCode(error, 'in_progress')) || tried >= 5) throw error;
          await new Promise((done) => window.setTimeout(done, 1500));
        }
      }
    },
    onSuccess: (conversion) => {
      void queries.invalidateQueries({ queryKey: walletsListBalancesQueryKey() });
      void queries.invalidateQueries({
        queryKey: conversionsGetQueryKey({ path: { conversion_id: conversion.id } }),
      });
      void router.navigate({ to: '/conversions/$id', params: { id: conversion.id } });
    },
    onSettled: once.end,
    onError: (error) => {
      if (isCode(error, 'quote_expired')) price.renew();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (!amount) return payField.current?.focus();
    if (quote && !short && !price.tired && once.begin()) accept.mutate(quote);
  };
  const choose = (next: { from?: string; to?: string }) => {
    setMax(false);
    setText('');
    void router.navigate({
      to: '/convert',
      search: { ...(from && { from }), ...(to && { to }), ...next },
      replace: true,
    });
  };
  const fault = asked && !max && !figure.ok ? t(`amount.${figure.reason}`, { decimals }) : undefined;
  const options = (list: readonly string[]) =>
    list.map((code) => ({ value: code, label: `${names.asset(code)} (${code})` }));
  const failed = balances.error ?? assets.error;

  return (
    <form className={css.page} onSubmit={submit} noValidate>
      <div className={css.main}>
        <Heading title={t('convert.title')}>{t('convert.heading')}</Heading>
        <p className={css.lead}>{t('convert.lead')}</p>
        {failed && !balances.data && <ProblemNote error={failed} onRetry={() => void balances.refetch()} />}
        {!failed && !balances.data && <Bars rows={3} />}
        {balances.data && held.length === 0 && (
          <Empty sentence={t('convert.nothing')}>
            <Button component={Link} to="/deposit">
              {t('convert.deposit')}
            </Button>
          </Empty>
        )}
        {from && to && (
          <div className={css.fields}>
            <NativeSelect
              label={t('convert.from')}
              data={options(held.map((item) => item.asset))}
              value={from}
              onChange={(event) => choose({ from: event.currentTarget.value })}
            />
            <AmountInput
              ref={side === 'exact_in' ? payField : undefined}
              label={t('convert.give')}
              value={
                max
                  ? t('convert.everything')
                  : side === 'exact_in'
                    ? text
                    : quote
                      ? bareFigures(quote.debit.amount, from, 'full')
                      : ''
              }
              onChange={(next) => {
                setSide('exact_in');
                setText(max ? '' : next);
                setMax(false);
              }}
              unit={from}
              error={side === 'exact_in' ? fault : undefined}
              description={available && t('convert.available', { money: figuresText(available, from) })}
              extra={
                <button
                  type="button"
                  onClick={() => {
                    setSide('exact_in');
                    setMax(true);
                    setText('');
                  }}
                >
                  {t('convert.max')}
                </button>
              }
            />
            <button
              type="button"
              className={css.swap}
              aria-label={t('convert.swap')}
              disabled={!held.some((item) => item.asset === to)}
              onClick={() => choose({ from: to, to: from })}
            >
              <SwapIcon />
            </button>
            <NativeSelect
              label={t('convert.to')}
              data={options(codes.filter((code) => code !== from))}
              value={to}
              onChange={(event) => choose({ to: event.currentTarget.value })}
            />
            <AmountInput
              ref={side === 'exact_out' ? payField : undefined}
              label={t('convert.get')}
              value={side === 'exact_out' ? text : quote ? bareFigures(quote.deliver.amount, to, 'full') : ''}
              onChange={(next) => {
                setSide('exact_out');
                setMax(false);
                setText(next);
              }}
              unit={to}
              error={side === 'exact_out' ? fault : undefined}
            />
          </div>
        )}
        {price.error && <ProblemNote error={price.error} onRetry={price.renew} />}
      </div>
      <aside className={css.slip}>
        <PriceSlip
          quote={quote ?? null}
          before={price.before}
          tired={price.tired}
          pending={price.fetching}
          short={short}
          onExpired={price.onExpired}
        >
          {accept.error && !isCode(accept.error, 'quote_expired') && <FieldProblem error={accept.error} />}
          {price.tired ? (
            <Button fullWidth onClick={price.renew}>
              {t('convert.renew')}
            </Button>
          ) : (
            <Button type="submit" fullWidth loading={accept.isPending}>
              {quote
                ? t('convert.accept', { money: figuresText(quote.debit.amount, quote.debit.asset) })
                : t('convert.acceptNothing')}
            </Button>
          )}
        </PriceSlip>
      </aside>
    </form>
  );
}
