import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isSandbox } from '@/app/config';
import { useMe } from '@/app/session';
import {
  authChangeEmailMutation,
  authDropEmailMutation,
  authGetMeQueryKey,
} from '@/client/@tanstack/react-query.gen';
import { announce } from '@/ui/announce';
import { serverNow } from '@/ui/clock';
import { FieldProblem } from '@/ui/ProblemNote';
import { moment } from '@/ui/time';
import { Warning } from '@/ui/Warning';
import css from './auth.module.css';
import { useProof } from './Prove';

/** What was mailed there: in a sandbox no other mailbox is at hand. */
const Mailbox = lazy(async () => ({ default: (await import('@/app/Mailbox')).Mailbox }));

/** The address one signs in with: what it is, what waits, and the way to another one. */
export function ChangeEmail() {
  const { t } = useTranslation('settings');
  const me = useMe();
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const held = me.holds.find(({ reason }) => reason === 'email_changed');
  const waiting = me.email_waiting;
  const drop = useMutation({
    ...authDropEmailMutation(),
    onSuccess: () => announce(t('email.dropped')),
    onSettled: () => queries.invalidateQueries({ queryKey: authGetMeQueryKey() }),
  });
  return (
    <div className={css.body}>
      <p>{t('email.now', { email: me.email })}</p>
      {held?.until && (
        <Warning tone="amber" title={t('email.held', { time: moment(held.until, serverNow()) })} ways={null}>
          {t('email.rule')}
        </Warning>
      )}
      {waiting ? (
        <>
          <p role="status">
            {t('email.waiting', { email: waiting.email, time: moment(waiting.expires_at, serverNow()) })}
          </p>
          {isSandbox && (
            <Suspense>
              <Mailbox email={waiting.email} />
            </Suspense>
          )}
          {drop.error && <FieldProblem error={drop.error} />}
          <Button variant="default" loading={drop.isPending} onClick={() => drop.mutate({})}>
            {t('email.drop')}
          </Button>
        </>
      ) : open ? (
        <EmailForm onOver={() => setOpen(false)} />
      ) : (
        <>
          {!held && <p className={css.note}>{t('email.rule')}</p>}
          <Button variant="default" onClick={() => setOpen(true)}>
            {t('email.open')}
          </Button>
        </>
      )}
    </div>
  );
}

function EmailForm({ onOver }: { onOver: () => void }) {
  const { t } = useTranslation('settings');
  const queries = useQueryClient();
  const proof = useProof();
  const [email, setEmail] = useState('');
  const [asked, setAsked] = useState(false);
  const change = useMutation({
    ...authChangeEmailMutation(),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: authGetMeQueryKey() });
      onOver();
    },
    onError: proof.forgetCode,
  });
  const fault = !/.+@.+/.test(email.trim());
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    const given = proof.read();
    if (!fault && given) change.mutate({ body: { email: email.trim(), ...given } });
  };
  return (
    <form onSubmit={submit} noValidate>
      <TextInput
        label={t('email.next')}
        type="email"
        autoComplete="email"
        description={t('email.rule')}
        value={email}
        error={asked && fault && t('email.nextFault')}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      {proof.fields}
      {change.error && <FieldProblem error={change.error} />}
      <div className={css.row}>
        <Button type="submit" loading={change.isPending}>
          {t('email.send')}
        </Button>
        <Button variant="subtle" onClick={onOver}>
          {t('email.keep')}
        </Button>
      </div>
    </form>
  );
}
