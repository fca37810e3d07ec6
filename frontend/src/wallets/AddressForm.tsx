import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAssets, useNames } from '@/app/assets';
import { knownReason, type Option } from '@/app/recognise';
import { useRecognised } from '@/app/useRecognised';
import { beneficiariesCreate } from '@/client/sdk.gen';
import { Address } from '@/ui/Address';
import { AddressInput } from '@/ui/AddressInput';
import { announce } from '@/ui/announce';
import { TickIcon } from '@/ui/icons';
import { Lookalike } from '@/ui/Lookalike';
import { useOnce } from '@/ui/once';
import { FieldProblem, ProblemNote } from '@/ui/ProblemNote';
import { isCode } from '@/ui/problem';
import { Slip } from '@/ui/Slip';
import css from './addresses.module.css';

interface Props {
  onSaved: (id: string) => Promise<void>;
  onKeep: () => void;
}

/** Paste, see what it is, give it a name. What looks like a known address has to be compared first. */
export function AddressForm({ onSaved, onKeep }: Props) {
  const { t } = useTranslation('addresses');
  const { t: tPay, i18n } = useTranslation('transactions');
  const once = useOnce();
  const assets = useAssets();
  const codes =
    assets.data?.items
      .filter((item) => item.networks.some((one) => one.withdrawals))
      .map((item) => item.asset) ?? [];
  const textField = useRef<HTMLTextAreaElement>(null);
  const labelField = useRef<HTMLInputElement>(null);
  const key = useRef(crypto.randomUUID());
  const [text, setText] = useState('');
  const [label, setLabel] = useState('');
  const [choice, setChoice] = useState<Option | null>(null);
  const [asked, setAsked] = useState(false);
  const [acknowledged, setAcknowledged] = useState(false);
  useEffect(() => textField.current?.focus(), []);
  const lookup = useRecognised(text, codes);
  const { found } = lookup;
  const only = found?.options.length === 1 ? found.options[0] : undefined;
  const option = only ?? choice;
  const twin = found?.lookalike ?? null;
  const stopped = twin !== null && !acknowledged;

  const save = useMutation({
    mutationFn: async (to: Option) =>
      (
        await beneficiariesCreate({
          body: { label: label.trim(), ...to },
          headers: { 'idempotency-key': key.current },
          throwOnError: true,
        })
      ).data,
    onSettled: once.end,
    onSuccess: async (made) => {
      announce(t('form.saved', { label: made.label }));
      await onSaved(made.id);
    },
  });
  /** Another request than the one before: another key. */
  const changed = () => {
    key.current = crypto.randomUUID();
    save.reset();
  };
  const paste = (next: string) => {
    setText(next);
    setChoice(null);
    setAcknowledged(false);
    changed();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (!found || found.reason) return textField.current?.focus();
    if (stopped) return document.getElementById('form-lookalike')?.focus();
    if (!option) return document.getElementById('form-asset-0')?.focus();
    if (!label.trim()) return labelField.current?.focus();
    if (once.begin()) save.mutate(option);
  };
  const reason = found?.reason ?? (asked && !text.trim() ? 'empty' : null);
  const remarks = (found?.warnings ?? []).filter(
    (code) => code !== 'lookalike_address' && i18n.exists(`transactions:warning.${code}.text`),
  );
  return (
    <Slip label={t('form.heading')}>
      <form className={css.form} onSubmit={submit} noValidate>
        <h2>{t('form.heading')}</h2>
        <AddressInput
          ref={textField}
          label={t('form.text')}
          value={text}
          onChange={paste}
          removed={lookup.removed}
          error={reason ? tPay(`get.reason.${knownReason(reason)}`) : undefined}
        />
        {lookup.error && <ProblemNote error={lookup.error} onRetry={lookup.retry} />}
        {twin && stopped ? (
          <Lookalike
            id="form-lookalike"
            twin={twin}
            pasted={found?.options[0]?.address ?? text}
            onOther={() => {
              paste('');
              textField.current?.focus();
            }}
            onAcknowledge={() => {
              setAcknowledged(true);
              textField.current?.focus();
            }}
          />
        ) : (
          <>
            {found && !found.reason && <Found option={option ?? found.options[0]} several={!only} />}
            {found && !found.reason && !only && (
              <Choice
                options={found.options}
                chosen={choice}
                missing={asked && !choice}
                onChoose={(one) => {
                  setChoice(one);
                  changed();
                }}
              />
            )}
            {remarks.map((code) => (
              <p key={code} className={css.look}>
                {tPay(`warning.${code as 'contract'}.text`)}
              </p>
            ))}
            <TextInput
              ref={labelField}
              label={t('form.label')}
              description={t('form.labelNote')}
              value={label}
              onChange={(event) => {
                setLabel(event.currentTarget.value);
                changed();
              }}
              maxLength={64}
              autoComplete="off"
              error={asked && !label.trim() ? t('form.labelEmpty') : undefined}
            />
          </>
        )}
        {save.error &&
          (isCode(save.error, 'conflict') ? (
            <p className={css.fault} role="alert">
              {t('form.taken')}
            </p>
          ) : (
            <FieldProblem error={save.error} />
          ))}
        <div className={css.acts}>
          <Button type="submit" loading={save.isPending} data-disabled={stopped || undefined}>
            {t('form.save')}
          </Button>
          <Button variant="subtle" onClick={onKeep}>
            {t('form.keep')}
          </Button>
        </div>
      </form>
    </Slip>
  );
}

function Found({ option, several }: { option: Option | undefined; several: boolean }) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  if (!option) return null;
  return (
    <div className={css.found}>
      <p>
        <TickIcon size={18} />
        {several
          ? t('get.address', { network: names.network(option.network) })
          : t('get.on', { asset: option.asset, network: names.network(option.network) })}
      </p>
      <Address address={option.address} />
    </div>
  );
}

interface ChoiceProps {
  options: readonly Option[];
  chosen: Option | null;
  missing: boolean;
  onChoose: (option: Option) => void;
}

/** The same address can take several assets, or exist on several networks: then we ask. */
function Choice({ options, chosen, missing, onChoose }: ChoiceProps) {
  const { t } = useTranslation('addresses');
  const names = useNames();
  return (
    <fieldset className={css.choice} aria-describedby={missing ? 'form-asset-missing' : undefined}>
      <legend>{t('form.which')}</legend>
      {options.map((option, at) => (
        <label key={`${option.asset}${option.network}`}>
          <input
            id={`form-asset-${at}`}
            type="radio"
            name="form-asset"
            checked={option === chosen}
            onChange={() => onChoose(option)}
          />
          {t('row.on', { asset: option.asset, network: names.network(option.network) })}
        </label>
      ))}
      {missing && (
        <p id="form-asset-missing" className={css.fault} role="alert">
          {t('form.choose')}
        </p>
      )}
    </fieldset>
  );
}
