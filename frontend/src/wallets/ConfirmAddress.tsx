import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isSandbox } from '@/app/config';
import { DemoCodes } from '@/app/DemoCodes';
import { useMe } from '@/app/session';
import { beneficiariesConfirm } from '@/client/sdk.gen';
import { announce } from '@/ui/announce';
import { CodeInput } from '@/ui/CodeInput';
import { serverNow } from '@/ui/clock';
import { useOnce } from '@/ui/once';
import { FieldProblem } from '@/ui/ProblemNote';
import { isCode, isUnknownOutcome } from '@/ui/problem';
import { moment } from '@/ui/time';
import type { Saved } from './AddressRow';
import css from './addresses.module.css';

interface Props {
  item: Saved;
  onLater: () => void;
  onDone: () => Promise<void>;
}

/** The second factor over exactly this address. */
export function ConfirmAddress({ item, onLater, onDone }: Props) {
  const { t } = useTranslation('addresses');
  const me = useMe();
  const once = useOnce();
  const field = useRef<HTMLInputElement>(null);
  const [code, setCode] = useState('');
  const [asked, setAsked] = useState(false);
  useEffect(() => field.current?.focus(), []);
  const confirm = useMutation({
    mutationFn: async (digits: string) =>
      (
        await beneficiariesConfirm({
          path: { beneficiary_id: item.id },
          body: { method: 'totp', code: digits },
          throwOnError: true,
        })
      ).data,
    onSettled: once.end,
    onSuccess: async (done) => {
      announce(
        done.available_at
          ? t('confirm.cooling', { label: item.label, time: moment(done.available_at, serverNow()) })
          : t('confirm.done', { label: item.label }),
      );
      await onDone();
    },
    onError: (error) => {
      setCode('');
      // Perhaps it was confirmed and nobody said so: the list knows.
      if (isUnknownOutcome(error) || isCode(error, 'conflict')) void onDone();
      field.current?.focus();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (code.length !== 6) return field.current?.focus();
    if (once.begin()) confirm.mutate(code);
  };
  return (
    <div className={css.confirm}>
      <form className={css.inline} onSubmit={submit} noValidate>
        <p>{t('confirm.text')}</p>
        <CodeInput
          ref={field}
          label={t('confirm.code')}
          description={t('confirm.codeNote')}
          value={code}
          onChange={setCode}
          error={asked && code.length > 0 && code.length !== 6 ? t('confirm.sixDigits') : undefined}
        />
        {confirm.error && <FieldProblem error={confirm.error} />}
        <div className={css.acts}>
          <Button type="submit" loading={confirm.isPending}>
            {t('confirm.submit')}
          </Button>
          <Button variant="subtle" onClick={onLater}>
            {t('confirm.later')}
          </Button>
        </div>
      </form>
      {isSandbox && (
        <DemoCodes
          heading={t('confirm.demo')}
          only={me.email}
          action={{ word: t('confirm.useCode'), run: (user) => setCode(user.code) }}
        />
      )}
    </div>
  );
}
