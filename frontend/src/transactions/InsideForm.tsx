import { Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAssets, useNames } from '@/app/assets';
import { walletsListBalancesOptions } from '@/client/@tanstack/react-query.gen';
import { transfersCreate } from '@/client/sdk.gen';
import { compare, isZero } from '@/money/decimal';
import { figuresText } from '@/money/figures';
import { typed } from '@/money/typed';
import { Address } from '@/ui/Address';
import { AmountInput } from '@/ui/AmountInput';
import { TickIcon } from '@/ui/icons';
import { useOnce } from '@/ui/once';
import { FieldProblem, ProblemNote } from '@/ui/ProblemNote';
import { isCode } from '@/ui/problem';
import { changeDraft, newKey, useDraft } from './draft';
import type { Inside } from './inside';
import css from './pay.module.css';

/** What another user here should get: nothing is converted and nothing costs, so it is asked for and then confirmed. */
export function InsideForm({ inside, onDone }: { inside: Inside; onDone: () => void }) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const draft = useDraft();
  const assets = useAssets();
  const balances = useQuery(walletsListBalancesOptions());
  const held = balances.data?.items.filter((one) => !isZero(one.available)) ?? [];
  const [asked, setAsked] = useState(false);
  const amountField = useRef<HTMLInputElement>(null);
  const once = useOnce();
  const last = useRef({ body: '', key: '' });
  const mine = held.find((one) => one.asset === draft.asset);
  const decimals = assets.data?.items.find((one) => one.asset === mine?.asset)?.decimals ?? 18;
  const amount = typed(draft.amountText, decimals);
  const short = amount.ok && mine !== undefined && compare(amount.amount, mine.available) > 0;
  const create = useMutation({
    mutationFn: async (body: { asset: string; amount: string; to_email?: string; to_address?: string }) => {
      // One key for one wish, however often it is asked: an answer that was lost is given again.
      const text = JSON.stringify(body);
      if (last.current.body !== text) last.current = { body: text, key: newKey() };
      const headers = { 'idempotency-key': last.current.key };
      return (await transfersCreate({ body, headers, throwOnError: true })).data;
    },
    onSettled: once.end,
    onSuccess: (transfer) => {
      last.current = { body: '', key: '' };
      changeDraft({ transfer });
      onDone();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (!mine) return document.getElementById('inside-asset-0')?.focus();
    if (!amount.ok || short) return amountField.current?.focus();
    const to = inside.kind === 'email' ? { to_email: inside.to } : { to_address: inside.to };
    if (once.begin()) create.mutate({ asset: mine.asset, amount: amount.amount, ...to });
  };
  const fault = short
    ? t('inside.short', { money: figuresText(mine.available, mine.asset, 'full') })
    : amount.ok || (!asked && amount.reason === 'empty')
      ? undefined
      : t(`amount.${amount.reason}`, { decimals });
  return (
    <form className={css.narrow} onSubmit={submit} noValidate data-inside={inside.kind}>
      <div className={css.found}>
        <p className={css.matched}>
          <TickIcon size={18} />
          {t(`inside.is.${inside.kind}`, { to: inside.to })}
        </p>
        {inside.kind === 'address' && <Address address={inside.to} perLine={5} />}
        <p className={css.note}>{t(`inside.note.${inside.kind}`)}</p>
      </div>
      {balances.error && <ProblemNote error={balances.error} onRetry={() => void balances.refetch()} />}
      {balances.data && held.length === 0 && <p className={css.note}>{t('inside.nothing')}</p>}
      {held.length > 0 && (
        <fieldset
          className={css.assets}
          aria-describedby={asked && !mine ? 'inside-asset-missing' : undefined}
        >
          <legend>{t('inside.which')}</legend>
          {held.map((one, index) => (
            <label key={one.asset} data-chosen={one.asset === mine?.asset || undefined}>
              <input
                id={`inside-asset-${index}`}
                type="radio"
                name="inside-asset"
                checked={one.asset === mine?.asset}
                onChange={() => changeDraft({ asset: one.asset, network: null, address: null })}
              />
              <strong>{names.asset(one.asset)}</strong>
              <span>{t('inside.have', { money: figuresText(one.available, one.asset, 'full') })}</span>
            </label>
          ))}
          {asked && !mine && (
            <p id="inside-asset-missing" className={css.fault} role="alert">
              {t('inside.choose')}
            </p>
          )}
        </fieldset>
      )}
      <AmountInput
        ref={amountField}
        label={mine ? t('inside.amountOf', { asset: names.asset(mine.asset) }) : t('inside.amount')}
        value={draft.amountText}
        onChange={(amountText) => changeDraft({ amountText, amount: null })}
        unit={mine?.asset}
        error={fault}
        description={t('inside.amountNote')}
      />
      {create.error &&
        (isCode(create.error, 'not_found') ? (
          <p className={css.fault} role="alert">
            {t(`inside.nobody.${inside.kind}`)}
          </p>
        ) : (
          <FieldProblem error={create.error} />
        ))}
      <div className={css.row}>
        <Button type="submit" loading={create.isPending}>
          {t('inside.next')}
        </Button>
      </div>
    </form>
  );
}
