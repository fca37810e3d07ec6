import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAssets, useNames } from '@/app/assets';
import { quotesCreate, withdrawalsCreate } from '@/client/sdk.gen';
import { absolute, compare, isZero, minus, sum } from '@/money/decimal';
import { bareFigures, figuresText } from '@/money/figures';
import { Address } from '@/ui/Address';
import { Amount } from '@/ui/Amount';
import { announce } from '@/ui/announce';
import { Countdown } from '@/ui/Countdown';
import { secondsUntil, serverNow } from '@/ui/clock';
import { Dock } from '@/ui/Dock';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { Lookalike } from '@/ui/Lookalike';
import { useOnce } from '@/ui/once';
import { ProblemNote } from '@/ui/ProblemNote';
import { isCode, isUnknownOutcome } from '@/ui/problem';
import { Slip } from '@/ui/Slip';
import { minute, moment } from '@/ui/time';
import { Warning } from '@/ui/Warning';
import { Costs } from './Costs';
import { changeDraft, currentDraft, newKey, type Review, useDraft } from './draft';
import css from './pay.module.css';
import { converted, life, type Quote, useHoldings } from './quotes';

interface Props {
  onBack: () => void;
  /** To another address. */
  onChange: () => void;
  onDone: () => void;
}

/** A lost answer is asked for again under the same key, so often and so far apart. */
const TRIES = 6;
const PAUSE_MILLISECONDS = 2000;

const pause = (milliseconds: number) => new Promise((done) => window.setTimeout(done, milliseconds));

/** Step 3: everything that will happen, before it can. */
export function CheckStep({ onBack, onChange, onDone }: Props) {
  const { t } = useTranslation('transactions');
  const draft = useDraft();
  const review = draft.review;
  const once = useOnce();
  const [checking, setChecking] = useState(false);
  const [old, setOld] = useState(false);
  const [acknowledged, setAcknowledged] = useState(false);

  const price = useMutation({
    mutationFn: async (before: Review) => {
      const { quote } = before;
      const { data } = await quotesCreate({
        body: {
          kind: 'withdrawal',
          from_asset: quote.from_asset,
          to_asset: quote.to_asset,
          network: quote.network,
          side: quote.side,
          amount: quote.side === 'exact_out' ? quote.deliver.amount : quote.debit.amount,
          speed: quote.speed,
          ...destination(quote),
        },
        throwOnError: true,
      });
      return { quote: data, key: newKey(), before: quote.debit.amount } satisfies Review;
    },
    onSuccess: (next) => {
      changeDraft({ review: next });
      setOld(false);
      announce(t('check.newPrice'));
    },
    onError: () => setOld(true),
  });
  const accept = useMutation({
    mutationFn: async ({ quote, key }: Review) => {
      for (let tried = 1; ; tried += 1) {
        try {
          const { data } = await withdrawalsCreate({
            body: { quote_id: quote.id, ...destination(quote) },
            headers: { 'idempotency-key': key },
            throwOnError: true,
          });
          return data;
        } catch (error) {
          if (!(isUnknownOutcome(error) || isCode(error, 'in_progress')) || tried >= TRIES) throw error;
          setChecking(true);
          await pause(PAUSE_MILLISECONDS);
        }
      }
    },
    onSettled: () => {
      once.end();
      setChecking(false);
    },
    onSuccess: (withdrawal) => {
      changeDraft({ withdrawal });
      onDone();
    },
    onError: (error, failed) => {
      if (isCode(error, 'quote_expired', 'quote_used')) price.mutate(failed);
    },
  });

  const renew = useRef<() => void>(() => undefined);
  renew.current = () => {
    const now = currentDraft();
    if (!now.review || now.withdrawal || accept.isPending) return;
    // Nobody looks: a price is not asked for in an empty room.
    if (document.hidden) setOld(true);
    else price.mutate(now.review);
  };
  const onExpired = useCallback(() => renew.current(), []);
  const quote = review?.quote;
  useEffect(() => {
    if (quote && secondsUntil(quote.expires_at, serverNow()) === 0) onExpired();
  }, [quote, onExpired]);
  if (!review || !quote) return null;

  const blocked = isCode(accept.error, 'quote_expired', 'quote_used') ? null : accept.error;
  const begun = draft.withdrawal !== null;
  const stopped = quote.warnings.includes(SEVERE) && !acknowledged;
  const act = begun ? (
    <Button fullWidth onClick={onDone}>
      {t('check.goOn')}
    </Button>
  ) : old ? (
    <Button fullWidth loading={price.isPending} onClick={() => price.mutate(review)}>
      {t('with.renew')}
    </Button>
  ) : stopped ? (
    <Button fullWidth data-disabled onClick={() => document.getElementById('lookalike')?.focus()}>
      {t('check.chooseFirst')}
    </Button>
  ) : (
    <Button
      fullWidth
      loading={accept.isPending}
      onClick={() => {
        if (!price.isPending && once.begin()) accept.mutate(review);
      }}
    >
      {t('check.next')}
    </Button>
  );
  return (
    <>
      <div className={css.main}>
        <Heading title={t('pay.title')} arrival="check">
          {t('check.heading')}
        </Heading>
        {checking && (
          <p className={css.lead} role="status">
            {t('check.submitting')}
          </p>
        )}
        {blocked && !accept.isPending && (
          <ProblemNote error={blocked} money={t('check.nothingSent')} way={<WayOut error={blocked} />} />
        )}
        {price.error && <ProblemNote error={price.error} onRetry={() => price.mutate(review)} />}
        <Warnings
          quote={quote}
          acknowledged={acknowledged}
          onChange={onChange}
          onAcknowledge={() => setAcknowledged(true)}
        />
        <Details quote={quote} />
      </div>
      <aside className={css.slip}>
        <Slip label={t('with.slip')}>
          {!begun && (
            <>
              <Countdown
                key={quote.id}
                expiresAt={quote.expires_at}
                life={life(quote)}
                thing={t('with.thisPrice')}
                note={t('with.firm')}
                expiredNote={old ? t('with.expired') : t('with.renewing')}
                onExpired={onExpired}
              />
              <NewPrice review={review} />
              <hr />
            </>
          )}
          <Costs quote={quote} fold={false} />
          <p className={css.note}>{t('check.final')}</p>
          <div className={css.onDesk}>{act}</div>
          <Button variant="subtle" onClick={onBack} disabled={accept.isPending}>
            {t('check.back')}
          </Button>
        </Slip>
      </aside>
      <Dock>
        <div>
          <Label>{t('with.allIn')}</Label>
          <Amount amount={quote.debit.amount} asset={quote.debit.asset} form="full" strong />
        </div>
        {!begun && (
          <Countdown
            key={quote.id}
            expiresAt={quote.expires_at}
            life={life(quote)}
            thing={t('with.thisPrice')}
            note={t('with.firm')}
            compact
          />
        )}
        {act}
      </Dock>
    </>
  );
}

/** A price that replaced another says by how much it differs. */
function NewPrice({ review }: { review: Review }) {
  const { t } = useTranslation('transactions');
  if (!review.before) return null;
  const difference = minus(review.quote.debit.amount, review.before);
  const money = figuresText(absolute(difference), review.quote.debit.asset, 'full');
  return (
    <p className={css.changed}>
      <strong>{t('check.newPrice')}</strong>{' '}
      {isZero(difference)
        ? t('check.same')
        : t(compare(difference, '0') > 0 ? 'check.dearer' : 'check.cheaper', { money })}
    </p>
  );
}

const SEVERE = 'lookalike_address';

/** A saved address goes by its entry: it says who it is, and its waiting time counts. */
function destination(quote: Quote) {
  return quote.beneficiary_id ? { beneficiary_id: quote.beneficiary_id } : { address: quote.address };
}

/** Some refusals can be mended elsewhere. */
function WayOut({ error }: { error: unknown }) {
  const { t } = useTranslation('transactions');
  if (isCode(error, 'second_factor_required')) return <Link to="/security">{t('get.enrol')}</Link>;
  if (isCode(error, 'review_required')) return <Link to="/convert">{t('check.convertFirst')}</Link>;
  if (isCode(error, 'beneficiary_cooling_down'))
    return <Link to="/addresses">{t('check.waitForAddress')}</Link>;
  if (isCode(error, 'insufficient_funds')) return <Link to="/deposit">{t('with.deposit')}</Link>;
  return null;
}

/** Another address, everything else kept. */
const AFRESH = {
  found: null,
  asset: null,
  network: null,
  address: null,
  label: null,
  saved: null,
  review: null,
};

interface WarningsProps {
  quote: Quote;
  acknowledged: boolean;
  onChange: () => void;
  onAcknowledge: () => void;
}

function Warnings({ quote, acknowledged, onChange, onAcknowledge }: WarningsProps) {
  const { t, i18n } = useTranslation('transactions');
  const { t: tUi } = useTranslation('ui');
  const draft = useDraft();
  if (quote.warnings.includes(SEVERE) && !acknowledged) {
    const twin = draft.found?.lookalike;
    return twin ? (
      <Lookalike
        id="lookalike"
        twin={twin}
        pasted={quote.address ?? ''}
        onOther={onChange}
        onAcknowledge={onAcknowledge}
        {...(twin.source !== 'own' && {
          onUseKnown: () => {
            changeDraft({ ...AFRESH, text: twin.address });
            onChange();
          },
        })}
      />
    ) : (
      <Warning
        tone="red"
        title={t('warning.lookalike_address.title')}
        ways={
          <Button id="lookalike" onClick={onChange}>
            {tUi('lookalike.other')}
          </Button>
        }
      >
        {t('warning.lookalike_address.text')}
      </Warning>
    );
  }
  const known = quote.warnings.filter((code) => i18n.exists(`transactions:warning.${code}.text`));
  if (known.length === 0) return null;
  return (
    <ul className={css.remarks}>
      {known.map((code) => (
        <li key={code}>{t(`warning.${code as 'network_fee_estimated'}.text`)}</li>
      ))}
    </ul>
  );
}

function Details({ quote }: { quote: Quote }) {
  const { t, i18n } = useTranslation('transactions');
  const names = useNames();
  const assets = useAssets();
  const { balances } = useHoldings();
  const draft = useDraft();
  const network = quote.network ? names.network(quote.network) : '';
  const needed = assets.data?.items
    .find((item) => item.asset === quote.to_asset)
    ?.networks.find((item) => item.network === quote.network)?.confirmations_required;
  const available = balances?.find((item) => item.asset === quote.from_asset)?.available;
  // Once accepted the debit is already set aside.
  const left = available && (draft.withdrawal ? available : minus(available, quote.debit.amount));
  const costs = sum(quote.fees.map((fee) => fee.amount.amount));
  const [limit] = quote.limits.filter((one) => one.left !== null);
  return (
    <dl className={css.details}>
      <div>
        <dt>{t('check.to')}</dt>
        <dd className={css.wide}>
          {draft.label && <strong>{draft.label}</strong>}
          <Address address={quote.address ?? ''} />
          <span className={css.small}>{t('check.network', { network, asset: quote.to_asset })}</span>
        </dd>
      </div>
      <div>
        <dt>{t('check.theyGet')}</dt>
        <dd>
          <strong>{figuresText(quote.deliver.amount, quote.deliver.asset)}</strong>
        </dd>
        <dd>{t('check.exactly', { network })}</dd>
      </div>
      <div>
        <dt>{t('check.youPay')}</dt>
        <dd>
          <strong>{figuresText(quote.debit.amount, quote.debit.asset, 'full')}</strong>
        </dd>
        <dd>
          {quote.from_asset === quote.to_asset
            ? t('check.ofItSame', { costs: bareFigures(costs, quote.from_asset, 'full') })
            : t('check.ofIt', {
                converted: bareFigures(converted(quote), quote.from_asset, 'full'),
                money: figuresText(quote.deliver.amount, quote.deliver.asset),
                costs: bareFigures(costs, quote.from_asset, 'full'),
              })}
        </dd>
      </div>
      {available && left && (
        <div>
          <dt>{t('check.left')}</dt>
          <dd>
            <strong>{figuresText(left, quote.from_asset)}</strong>
          </dd>
          <dd>{t('check.of', { amount: bareFigures(available, quote.from_asset) })}</dd>
        </div>
      )}
      <div>
        <dt>{t('check.arrives')}</dt>
        <dd>
          <strong>
            {t('check.between', {
              from: minute(quote.arrives_by.earliest),
              to: minute(quote.arrives_by.latest),
            })}
          </strong>
        </dd>
        <dd>
          {needed !== undefined && t('check.after', { count: needed })}{' '}
          {quote.speed && t('check.speed', { speed: t(`pay.speedLower.${quote.speed}`) })}
        </dd>
      </div>
      {limit?.left && (
        <div>
          <dt>{t('check.limit')}</dt>
          <dd>
            <strong>{figuresText(limit.left, limit.currency)}</strong>
          </dd>
          <dd>
            {i18n.exists(`transactions:limit.${limit.name}`)
              ? t(`limit.${limit.name as 'per_withdrawal'}`)
              : ''}
            {limit.resets_at && t('check.resets', { time: moment(limit.resets_at, serverNow()) })}
          </dd>
        </div>
      )}
    </dl>
  );
}
