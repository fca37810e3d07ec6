import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAssets, useNames } from '@/app/assets';
import { knownReason, type Option, type Recognised } from '@/app/recognise';
import { useMe } from '@/app/session';
import { useRecognised } from '@/app/useRecognised';
import { beneficiariesListOptions } from '@/client/@tanstack/react-query.gen';
import { fieldFigures } from '@/money/figures';
import { typed } from '@/money/typed';
import { Address } from '@/ui/Address';
import { AddressInput } from '@/ui/AddressInput';
import { AmountInput } from '@/ui/AmountInput';
import { announce } from '@/ui/announce';
import { Heading } from '@/ui/Heading';
import { TickIcon } from '@/ui/icons';
import { ProblemNote } from '@/ui/ProblemNote';
import { Warning } from '@/ui/Warning';
import { changeDraft, type SavedPayee, useDraft } from './draft';
import { InsideForm } from './InsideForm';
import { insideOf, isEmail } from './inside';
import css from './pay.module.css';

const MOST_SAVED = 6;

interface Props {
  onDone: () => void;
  /** To the code at once: it stays inside. */
  onInside: () => void;
}

/** Step 1: where it goes and what should arrive. The network comes by match, never by guess. */
export function GetStep({ onDone, onInside }: Props) {
  const { t } = useTranslation('transactions');
  const me = useMe();
  const names = useNames();
  const draft = useDraft();
  const assets = useAssets();
  const payable = assets.data?.items.filter((item) => item.networks.some((one) => one.withdrawals)) ?? [];
  const codes = payable.map((item) => item.asset);
  const lookup = useRecognised(isEmail(draft.text) ? '' : draft.text, codes);
  const { found, removed } = lookup;
  const inside = insideOf(draft.text, found);
  const [eager, setEager] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const [asked, setAsked] = useState(false);
  const textField = useRef<HTMLTextAreaElement>(null);
  const amountField = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (found && found !== draft.found) take(found);
    function take(now: Recognised) {
      const [only] = now.options;
      // What was chosen from the book stays chosen, if it still can be paid.
      const saved = now.options.some((option) => sameOption(option, draft.saved)) ? draft.saved : null;
      const one = saved ?? (now.options.length === 1 ? only : undefined);
      const amount = now.payment?.amount ?? null;
      changeDraft({
        found: now,
        asset: one?.asset ?? null,
        network: one?.network ?? null,
        address: one?.address ?? null,
        label: saved?.label ?? now.payment?.label ?? null,
        saved,
        ...(amount &&
          one && { amountText: fieldFigures(amount, one.asset), amount, side: 'exact_out' as const }),
        review: null,
        withdrawal: null,
      });
      if (now.reason === 'own_address') return announce(t('inside.heard'));
      announce(now.reason ? t('get.heardNothing') : t('get.heardFound', { count: now.options.length }));
    }
  }, [found, draft.found, draft.saved, t]);

  const decimals = payable.find((item) => item.asset === draft.asset)?.decimals ?? 18;
  const amount = typed(draft.amountText, decimals);
  const faults = {
    text: !found ? 'empty' : found.reason,
    asset: found?.options.length && !draft.asset ? 'choose' : null,
    amount: amount.ok ? null : amount.reason,
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    // Asked to go on before the text was looked up: it goes on as soon as it is.
    if (!found && draft.text.trim() && !lookup.error) return setEager(true);
    if (faults.text) return textField.current?.focus();
    if (faults.asset) return document.getElementById('get-asset-0')?.focus();
    if (!amount.ok) return amountField.current?.focus();
    changeDraft({ amount: amount.amount, side: 'exact_out', review: null, withdrawal: null });
    onDone();
  };
  useEffect(() => {
    if (!eager || !(found || lookup.error)) return;
    setEager(false);
    // After the effect above has taken what was found into the draft.
    window.setTimeout(() => form.current?.requestSubmit());
  }, [eager, found, lookup.error]);
  const change = (text: string) => changeDraft({ ...CLEARED, text });

  return (
    <div className={css.main}>
      <Heading title={t('pay.title')} arrival="get">
        {t('get.heading')}
      </Heading>
      {me.factors.length === 0 && (
        <Warning
          tone="amber"
          title={t('get.enrolTitle')}
          ways={
            <Button component={Link} to="/security">
              {t('get.enrol')}
            </Button>
          }
        >
          {t('get.enrolText')}
        </Warning>
      )}
      <form ref={form} className={css.narrow} onSubmit={submit} noValidate>
        <AddressInput
          ref={textField}
          label={t('get.label')}
          description={t('get.orSomebody')}
          value={draft.text}
          onChange={change}
          removed={removed}
          error={
            found?.reason && !inside
              ? t(`get.reason.${knownReason(found.reason)}`)
              : asked && faults.text === 'empty' && !lookup.isFetching
                ? t('get.reason.empty')
                : undefined
          }
        />
        {draft.text === '' && <SavedOnes codes={codes} />}
        {lookup.error && <ProblemNote error={lookup.error} onRetry={lookup.retry} />}
        {assets.error && <ProblemNote error={assets.error} onRetry={() => void assets.refetch()} />}
        {found && !found.reason && <Found found={found} network={draft.network} saved={draft.saved} />}
        {found && found.options.length > 1 && (
          <AssetChoice options={found.options} chosen={draft} missing={asked && Boolean(faults.asset)} />
        )}
        {found && !found.reason && (
          <AmountInput
            ref={amountField}
            label={draft.asset ? t('get.amountOf', { asset: names.asset(draft.asset) }) : t('get.amount')}
            value={draft.amountText}
            onChange={(amountText) => changeDraft({ amountText, amount: null, review: null })}
            unit={draft.asset ?? undefined}
            error={
              amount.ok || (!asked && amount.reason === 'empty')
                ? undefined
                : t(`amount.${amount.reason}`, { decimals })
            }
            description={t('get.amountNote')}
          />
        )}
        {!inside && (
          <div className={css.row}>
            <Button type="submit" loading={eager}>
              {t('get.next')}
            </Button>
          </div>
        )}
      </form>
      {inside && <InsideForm key={inside.to} inside={inside} onDone={onInside} />}
    </div>
  );
}

/** A text that nothing is known of yet. */
const CLEARED = {
  found: null,
  asset: null,
  network: null,
  address: null,
  label: null,
  saved: null,
  review: null,
  transfer: null,
};

function sameOption(option: Option, saved: Option | null): boolean {
  return (
    saved !== null &&
    option.asset === saved.asset &&
    option.network === saved.network &&
    option.address === saved.address
  );
}

/** The shortest way to somebody who was paid before. Only those that can be paid now. */
function SavedOnes({ codes }: { codes: readonly string[] }) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const { data } = useQuery(beneficiariesListOptions({ query: { limit: 50 } }));
  const ready = data?.items.filter((one) => one.state === 'active' && codes.includes(one.asset)) ?? [];
  if (!data) return null;
  return (
    <div className={css.saved}>
      {ready.length > 0 && (
        <>
          <p id="saved-ones">{t('get.saved')}</p>
          <ul aria-labelledby="saved-ones">
            {ready.slice(0, MOST_SAVED).map((saved) => (
              <li key={saved.id}>
                <button type="button" onClick={() => changeDraft({ ...CLEARED, text: saved.address, saved })}>
                  <strong>{saved.label}</strong>
                  <span>{t('get.on', { asset: saved.asset, network: names.network(saved.network) })}</span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      <Link to="/addresses">{t(data.items.length > 0 ? 'get.book' : 'get.savedNone')}</Link>
    </div>
  );
}

interface FoundProps {
  found: Recognised;
  network: string | null;
  saved: SavedPayee | null;
}

/** What the text is, with the whole address. */
function Found({ found, network, saved }: FoundProps) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const [first] = found.options;
  if (!first) return null;
  const networks = [...new Set(found.options.map((option) => option.network))];
  const name = names.network(network ?? first.network);
  return (
    <div className={css.found}>
      <p className={css.matched}>
        <TickIcon size={18} />
        {saved
          ? t('get.savedAs', { label: saved.label, network: name })
          : found.payment
            ? t(found.payment.label ? 'get.invoiceOf' : 'get.invoice', {
                network: name,
                label: found.payment.label ?? '',
              })
            : networks.length === 1
              ? t('get.address', { network: name })
              : t('get.addressSeveral', { networks: networks.map((one) => names.network(one)).join(', ') })}
      </p>
      <Address address={first.address} perLine={5} />
    </div>
  );
}

interface ChoiceProps {
  options: readonly Option[];
  chosen: { asset: string | null; network: string | null };
  missing: boolean;
}

function isChosen(option: Option, chosen: ChoiceProps['chosen']): boolean {
  return option.asset === chosen.asset && option.network === chosen.network;
}

/** The same address can take several assets, or exist on several networks: then we ask. */
function AssetChoice({ options, chosen, missing }: ChoiceProps) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const draft = useDraft();
  return (
    <fieldset className={css.assets} aria-describedby={missing ? 'get-asset-missing' : undefined}>
      <legend>{t('get.which')}</legend>
      {options.map((option, index) => (
        <label key={`${option.asset}${option.network}`} data-chosen={isChosen(option, chosen) || undefined}>
          <input
            id={`get-asset-${index}`}
            type="radio"
            name="asset"
            checked={isChosen(option, chosen)}
            onChange={() =>
              changeDraft({
                ...option,
                ...(sameOption(option, draft.saved) ? {} : { saved: null, label: null }),
                review: null,
              })
            }
          />
          <strong>{names.asset(option.asset)}</strong>
          <span>{t('get.on', { asset: option.asset, network: names.network(option.network) })}</span>
        </label>
      ))}
      {missing && (
        <p id="get-asset-missing" className={css.fault} role="alert">
          {t('get.chooseAsset')}
        </p>
      )}
    </fieldset>
  );
}
