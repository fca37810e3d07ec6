import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { webhooksCreate } from '@/client/sdk.gen';
import { useOnce } from '@/ui/once';
import { ProblemNote } from '@/ui/ProblemNote';
import { Slip } from '@/ui/Slip';
import { KINDS, type OfferedKind } from './kinds';
import css from './webhooks.module.css';

interface Props {
  onAdded: (secret: string | null) => Promise<void>;
  onKeep: () => void;
}

/** Where, and of what. The server judges the address. */
export function WebhookForm({ onAdded, onKeep }: Props) {
  const { t } = useTranslation('webhooks');
  const once = useOnce();
  const field = useRef<HTMLInputElement>(null);
  const key = useRef(crypto.randomUUID());
  const [url, setUrl] = useState('');
  const [kinds, setKinds] = useState<OfferedKind[]>([]);
  const [asked, setAsked] = useState(false);
  useEffect(() => field.current?.focus(), []);
  const add = useMutation({
    mutationFn: async () =>
      (
        await webhooksCreate({
          body: { url: url.trim(), kinds },
          headers: { 'idempotency-key': key.current },
          throwOnError: true,
        })
      ).data,
    onSettled: once.end,
    onSuccess: (made) => onAdded(made.secret),
  });
  /** Another request than the one before: another key. */
  const changed = () => {
    key.current = crypto.randomUUID();
    add.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (!/^https?:\/\/./.test(url.trim())) return field.current?.focus();
    if (once.begin()) add.mutate();
  };
  const fault = asked && !/^https?:\/\/./.test(url.trim());
  return (
    <Slip label={t('form.heading')}>
      <form noValidate className={css.form} onSubmit={submit}>
        <h2>{t('form.heading')}</h2>
        <TextInput
          ref={field}
          type="url"
          autoComplete="off"
          spellCheck={false}
          label={t('form.url')}
          description={t('form.urlRule')}
          value={url}
          error={fault && t('form.fault')}
          onChange={(event) => {
            setUrl(event.currentTarget.value);
            changed();
          }}
        />
        <fieldset className={css.kinds}>
          <legend>{t('form.kinds')}</legend>
          {KINDS.map((kind) => (
            <label key={kind}>
              <input
                type="checkbox"
                checked={kinds.includes(kind)}
                onChange={() => {
                  setKinds(kinds.includes(kind) ? kinds.filter((one) => one !== kind) : [...kinds, kind]);
                  changed();
                }}
              />
              {t(`kind.${kind}`)}
            </label>
          ))}
        </fieldset>
        {add.error && <ProblemNote error={add.error} />}
        <div className={css.actions}>
          <Button type="submit" loading={add.isPending}>
            {t('form.submit')}
          </Button>
          <Button variant="default" onClick={onKeep}>
            {t('form.keep')}
          </Button>
        </div>
      </form>
    </Slip>
  );
}
