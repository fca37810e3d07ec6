import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAssets } from '@/app/assets';
import { walletsListBalancesOptions } from '@/client/@tanstack/react-query.gen';
import { compare, isZero, minus } from '@/money/decimal';
import { figuresText } from '@/money/figures';
import { typed } from '@/money/typed';
import { Amount } from '@/ui/Amount';
import { announce } from '@/ui/announce';
import { Countdown } from '@/ui/Countdown';
import { Dock } from '@/ui/Dock';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { FieldProblem, ProblemNote } from '@/ui/ProblemNote';
import { Bars, Empty } from '@/ui/Waiting';
import css from './convert.module.css';
import { Fields } from './Fields';
import { MarketLine } from './MarketLine';
import { PriceProblem } from './PriceProblem';
import { lifeOf, PriceSlip } from './PriceSlip';
import { RouteBars } from './RouteBars';
import { useAccept } from './useAccept';
import { useMarkets } from './useMarkets';
import { usePrice, type Wanted } from './usePrice';

const route = getRouteApi('/inside/convert');

/** One asset into another, at a firm price that holds every cost, with the market beside it. */
export function Convert() {
  const { t } = useTranslation('exchange');
  const search = route.useSearch();
  const router = useRouter();
  const assets = useAssets();
  const balances = useQuery(walletsListBalancesOptions());
  const held = balances.data?.items.filter((item) => !isZero(item.available)) ?? [];
  const codes = assets.data?.items.map((item) => item.asset) ?? [];
  const from = held.find((item) => item.asset === search.from)?.asset ?? held[0]?.asset ?? null;
  const others = codes.filter((code) => code !== from);
  const to = others.find((code) => code === search.to) ?? others[0] ?? null;
  const [side, setSide] = useState<Wanted['side']>('exact_in');
  const [text, setText] = useState('');
  const [max, setMax] = useState(false);
  const [asked, setAsked] = useState(false);
  const field = useRef<HTMLInputElement>(null);

  const typedAsset = side === 'exact_in' ? from : to;
  const decimals = assets.data?.items.find((item) => item.asset === typedAsset)?.decimals ?? 18;
  const figure = typed(text, decimals);
  const amount = max ? 'max' : figure.ok ? figure.amount : null;
  const price = usePrice(from && to && amount ? { from, to, side, amount } : null);
  const { quote } = price;
  const market = useMarkets(from, to);
  const available = held.find((item) => item.asset === from)?.available;
  const short =
    quote && available && compare(quote.debit.amount, available) > 0
      ? minus(quote.debit.amount, available)
      : null;
  const accept = useAccept(
    (id) => void router.navigate({ to: '/conversions/$id', params: { id } }),
    price.renew,
  );
  useSpoken(quote, price.tired);

  const type = (next: Wanted['side'], typedText: string) => {
    setSide(next);
    setText(typedText);
    setMax(false);
  };
  const takeAll = () => {
    type('exact_in', '');
    setMax(true);
  };
  const choose = (next: { from?: string; to?: string }) => {
    type(side, '');
    void router.navigate({
      to: '/convert',
      search: { ...(from && { from }), ...(to && { to }), ...next },
      replace: true,
    });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (!amount) return field.current?.focus();
    if (quote && !short && !price.tired && !price.renewing) accept.begin(quote);
  };
  const fault = asked && !max && !figure.ok ? t(`amount.${figure.reason}`, { decimals }) : undefined;
  const failed = balances.error ?? assets.error;
  const act = price.tired ? (
    <Button fullWidth onClick={price.renew}>
      {t('convert.renew')}
    </Button>
  ) : (
    <Button type="submit" fullWidth loading={accept.pending}>
      {quote
        ? t('convert.accept', { money: figuresText(quote.debit.amount, quote.debit.asset) })
        : t('convert.acceptNothing')}
    </Button>
  );

  return (
    <form className={css.page} onSubmit={submit} noValidate>
      <div className={css.main}>
        <Heading title={t('convert.title')}>{t('convert.heading')}</Heading>
        <p className={css.lead}>{t('convert.lead')}</p>
        {failed && !balances.data && <ProblemNote error={failed} onRetry={() => void balances.refetch()} />}
        {!failed && !(balances.data && assets.data) && <Bars rows={3} height={74} />}
        {balances.data && held.length === 0 && (
          <Empty sentence={t('convert.nothing')}>
            <Button component={Link} to="/deposit">
              {t('convert.deposit')}
            </Button>
          </Empty>
        )}
        {from && to && (
          <>
            <Fields
              from={from}
              to={to}
              gives={held.map((item) => item.asset)}
              gets={others}
              available={available}
              side={side}
              text={text}
              max={max}
              fault={fault}
              quote={quote}
              field={field}
              onChoose={choose}
              onType={type}
              onMax={takeAll}
            />
            {price.offline && (
              <p className={css.fault} role="alert">
                {t('convert.offline')}
              </p>
            )}
            {price.error !== null && (
              <PriceProblem
                error={price.error}
                from={from}
                onRetry={price.renew}
                onGive={(least) => type('exact_in', least)}
              />
            )}
            <MarketLine markets={market.markets} known={market.known || market.error !== null} />
            {quote && <RouteBars quote={quote} />}
          </>
        )}
      </div>
      <aside className={css.slip}>
        <PriceSlip
          quote={quote ?? null}
          before={price.before}
          tired={price.tired}
          pending={price.pending && price.error === null}
          onExpired={price.onExpired}
        >
          {short && from && (
            <div className={css.short} role={asked ? 'alert' : undefined}>
              <p>{t('slip.short', { money: figuresText(short, from) })}</p>
              <p>
                <button type="button" className={css.link} onClick={takeAll}>
                  {t('slip.all')}
                </button>{' '}
                <Link to="/deposit" search={{ asset: from }}>
                  {t('slip.add', { money: figuresText(short, from) })}
                </Link>
              </p>
            </div>
          )}
          {accept.error && <FieldProblem error={accept.error} />}
          {accept.late && (
            <p className={css.note} role="alert">
              {t('slip.late')}
            </p>
          )}
          <div className={quote ? css.onDesk : undefined}>{act}</div>
        </PriceSlip>
      </aside>
      {quote && (
        <Dock>
          <div>
            <Label>{t('slip.get')}</Label>
            <Amount amount={quote.deliver.amount} asset={quote.deliver.asset} strong />
          </div>
          <Countdown
            key={quote.id}
            expiresAt={quote.expires_at}
            life={lifeOf(quote)}
            thing={t('slip.thisPrice')}
            note={t('slip.firm')}
            expiredNote={t('slip.expired')}
            compact
          />
          {act}
        </Dock>
      )}
    </form>
  );
}

/** A price is said once for each question, and when it has run out; that it was renewed is seen, not heard. */
function useSpoken(quote: ReturnType<typeof usePrice>['quote'], tired: boolean) {
  const { t } = useTranslation('exchange');
  const said = useRef('');
  useEffect(() => {
    if (!quote) return;
    const question = `${quote.side} ${quote.from_asset} ${quote.to_asset} ${
      quote.side === 'exact_in' ? quote.debit.amount : quote.deliver.amount
    }`;
    if (said.current === question) return;
    said.current = question;
    announce(
      t('slip.spoken', {
        debit: figuresText(quote.debit.amount, quote.debit.asset),
        deliver: figuresText(quote.deliver.amount, quote.deliver.asset),
        count: lifeOf(quote),
      }),
    );
  }, [quote, t]);
  useEffect(() => {
    if (tired) announce(t('slip.expiredSpoken'));
  }, [tired, t]);
}
