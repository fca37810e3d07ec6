import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAssets, useNames } from '@/app/assets';
import { absolute, compare, minus } from '@/money/decimal';
import { figuresText } from '@/money/figures';
import { typed } from '@/money/typed';
import { Address } from '@/ui/Address';
import { Amount } from '@/ui/Amount';
import { AmountInput } from '@/ui/AmountInput';
import { Countdown } from '@/ui/Countdown';
import { Dock } from '@/ui/Dock';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { ProblemNote } from '@/ui/ProblemNote';
import { asProblem } from '@/ui/problem';
import { useProblemWords } from '@/ui/problemWords';
import { Slip } from '@/ui/Slip';
import { Bar, Bars, Empty } from '@/ui/Waiting';
import { AssetRows, type Row } from './AssetRows';
import { Costs } from './Costs';
import { changeDraft, newKey, useDraft } from './draft';
import css from './pay.module.css';
import { askFor, cheapest, life, type Quote, shortBy, useHoldings, useQuotes } from './quotes';
import { Speeds } from './Speeds';

interface Props {
  onBack: () => void;
  onDone: () => void;
}

/** Step 2: what it costs in each asset one has, all-in, side by side. */
export function WithStep({ onBack, onDone }: Props) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const draft = useDraft();
  const assets = useAssets();
  const { balances, error, refetch } = useHoldings();
  const exactIn = draft.side === 'exact_in';
  const payDecimals = assets.data?.items.find((item) => item.asset === draft.from)?.decimals ?? 18;
  const pay = typed(draft.payText, payDecimals);
  const payAmount = draft.payMax ? 'max' : pay.ok ? pay.amount : null;
  const asks = (balances ?? [])
    .filter((item) => !exactIn || item.asset === draft.from)
    .flatMap((item) => askFor(draft, item.asset, payAmount) ?? []);
  const { current, renew, tired } = useQuotes(asks);
  const [asked, setAsked] = useState(false);

  const rows: Row[] = (balances ?? []).map((balance) => {
    const found = current.find((item) => item.from === balance.asset);
    return {
      balance,
      quote: found?.quote ?? null,
      error: found?.error ?? null,
      pending: found?.pending ?? false,
    };
  });
  const priced = rows.flatMap(({ quote, balance }) =>
    quote ? [{ quote, available: balance.available }] : [],
  );
  const best = exactIn ? null : cheapest(priced);
  const settled = rows.every(({ quote, error: no }) => quote || no);
  // The cheapest is proposed once all prices are there; a choice that was made stays.
  useEffect(() => {
    if (!draft.from && settled && best) changeDraft({ from: best.from_asset });
  }, [draft.from, settled, best]);

  const chosen = rows.find(({ balance }) => balance.asset === draft.from);
  const quote = chosen?.quote ?? null;
  const missing = quote && chosen ? shortBy(quote, chosen.balance.available) : null;
  const before = current.find((item) => item.from === draft.from)?.old;
  const difference =
    quote && before && before.id !== quote.id && before.side === quote.side
      ? minus(quote.debit.amount, before.debit.amount)
      : null;
  const ready = quote !== null && !missing && !tired;
  const proceed = () => {
    setAsked(true);
    if (!ready || !quote) return;
    changeDraft({ review: { quote, key: newKey(), before: null }, withdrawal: null });
    onDone();
  };
  const switchSide = () => {
    changeDraft(
      exactIn
        ? { side: 'exact_out', payText: '', payMax: false, from: null }
        : { side: 'exact_in', from: draft.from ?? balances?.[0]?.asset ?? null, payText: '', payMax: false },
    );
    setAsked(false);
    if (exactIn && !draft.amount) onBack();
  };

  const action = (
    <Button onClick={proceed} fullWidth>
      {t('with.next')}
    </Button>
  );
  return (
    <>
      <div className={css.main}>
        <TheyGet quote={exactIn ? quote : null} onBack={onBack} />
        <header className={css.head}>
          <Heading title={t('pay.title')} arrival="with">
            {t('with.heading')}
          </Heading>
          <button type="button" className={css.link} onClick={switchSide}>
            {t(exactIn ? 'with.typeGet' : 'with.typePay')}
          </button>
        </header>
        {error !== null && !balances && <ProblemNote error={error} onRetry={refetch} />}
        {!balances && error === null && <Bars rows={3} height={74} />}
        {balances && balances.length === 0 && (
          <Empty sentence={t('with.nothing')}>
            <Button component={Link} to="/deposit">
              {t('with.deposit')}
            </Button>
          </Empty>
        )}
        {rows.length > 0 && <AssetRows rows={rows} chosen={draft.from} best={best} exactIn={exactIn} />}
        {exactIn && draft.from && (
          <div className={css.narrow}>
            <AmountInput
              label={t('with.payAmount', { asset: names.asset(draft.from) })}
              value={draft.payMax ? t('with.everything') : draft.payText}
              onChange={(payText) => changeDraft({ payText: draft.payMax ? '' : payText, payMax: false })}
              unit={draft.from}
              error={
                asked && !draft.payMax && !pay.ok
                  ? t(`amount.${pay.reason}`, { decimals: payDecimals })
                  : undefined
              }
              description={draft.payMax ? t('with.maxNote') : undefined}
              extra={
                <button type="button" onClick={() => changeDraft({ payMax: true, payText: '' })}>
                  {t('with.max')}
                </button>
              }
            />
          </div>
        )}
        {quote && quote.speeds.length > 0 && <Speeds quote={quote} chosen={draft.speed} />}
      </div>
      <aside className={css.slip}>
        <Slip label={t('with.slip')}>
          {quote ? (
            <>
              <Countdown
                expiresAt={quote.expires_at}
                life={life(quote)}
                thing={t('with.thisPrice')}
                note={t('with.firm')}
                expiredNote={tired ? t('with.expired') : t('with.renewing')}
              />
              {difference !== null && !/^-?0*\.?0*$/.test(difference) && (
                <p className={css.changed} role="status">
                  {t(compare(difference, '0') > 0 ? 'with.dearer' : 'with.cheaper', {
                    money: figuresText(absolute(difference), quote.debit.asset, 'full'),
                  })}
                </p>
              )}
              <hr />
              <Costs quote={quote} />
              <p className={css.note}>
                {quote.from_asset === quote.to_asset
                  ? t('with.refundSame')
                  : t('with.refund', { money: figuresText(quote.deliver.amount, quote.deliver.asset) })}
              </p>
              {missing && (
                <p className={css.fault} role={asked ? 'alert' : undefined}>
                  {t('with.short', { money: figuresText(missing, quote.debit.asset) })}
                </p>
              )}
            </>
          ) : (
            <Nothing row={chosen} exactIn={exactIn} asked={asked} />
          )}
          {tired ? (
            <Button fullWidth onClick={renew}>
              {t('with.renew')}
            </Button>
          ) : (
            <div className={css.onDesk}>{action}</div>
          )}
        </Slip>
      </aside>
      {quote && !tired && (
        <Dock>
          <div>
            <Label>{t('with.allIn')}</Label>
            <Amount amount={quote.debit.amount} asset={quote.debit.asset} form="full" strong />
          </div>
          <Countdown
            expiresAt={quote.expires_at}
            life={life(quote)}
            thing={t('with.thisPrice')}
            note={t('with.firm')}
            compact
          />
          {action}
        </Dock>
      )}
    </>
  );
}

/** What they get stays on top of the page. */
function TheyGet({ quote, onBack }: { quote: Quote | null; onBack: () => void }) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const draft = useDraft();
  if (!draft.asset || !draft.network || !draft.address) return null;
  const amount = quote?.deliver.amount ?? (draft.side === 'exact_out' ? draft.amount : null);
  return (
    <div className={css.theyGet}>
      <div>
        <Label>{t('with.theyGet')}</Label>
        <p className={css.getAmount}>
          {amount ? (
            <Amount amount={amount} asset={draft.asset} />
          ) : (
            <span className={css.dash}>– {draft.asset}</span>
          )}
        </p>
      </div>
      <div>
        <div className={css.atHead}>
          <Label>{t('with.at', { network: names.network(draft.network) })}</Label>
          <button type="button" className={css.link} onClick={onBack}>
            {t('with.change')}
          </button>
        </div>
        <Address address={draft.address} />
      </div>
    </div>
  );
}

/** Why there is no figure yet. */
function Nothing({ row, exactIn, asked }: { row: Row | undefined; exactIn: boolean; asked: boolean }) {
  const { t } = useTranslation('transactions');
  const words = useProblemWords();
  if (row?.error) {
    const { title, text } = words(asProblem(row.error));
    return (
      <p className={css.fault}>
        {title} {text}
      </p>
    );
  }
  if (row?.pending) {
    return (
      <>
        <p className={css.note}>{t('with.asking')}</p>
        <Bar width="70%" height={36} />
      </>
    );
  }
  return (
    <p className={asked ? css.fault : css.note} role={asked ? 'alert' : undefined}>
      {t(exactIn ? 'with.typeFirst' : 'with.chooseFirst')}
    </p>
  );
}
