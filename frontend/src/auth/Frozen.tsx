import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/app/session';
import { authGetMeQueryKey, authUnfreezeMutation } from '@/client/@tanstack/react-query.gen';
import { announce } from '@/ui/announce';
import { CodeInput } from '@/ui/CodeInput';
import { serverNow } from '@/ui/clock';
import { FieldProblem } from '@/ui/ProblemNote';
import { exactMoment } from '@/ui/time';
import css from './auth.module.css';

/** Shown while nothing may leave the account; what its owner froze, its owner lifts, with the second factor. */
export function Frozen() {
  const { t } = useTranslation('auth');
  const me = useMe();
  const queries = useQueryClient();
  const [code, setCode] = useState('');
  const lift = useMutation({
    ...authUnfreezeMutation(),
    onSuccess: (found) => {
      queries.setQueryData(authGetMeQueryKey(), found);
      announce(t('frozen.lifted'));
    },
    onError: () => setCode(''),
  });
  const hold = me.holds.find(({ reason }) => reason === 'frozen');
  if (!hold) return null;
  const time = exactMoment(hold.since, serverNow());
  const send = (event: FormEvent) => {
    event.preventDefault();
    lift.mutate({ body: { totp_code: code } });
  };
  return (
    <section className={css.section} aria-labelledby="frozen" data-frozen={hold.yours ? 'yours' : 'ours'}>
      <h2 id="frozen">{t('frozen.title')}</h2>
      {hold.yours ? (
        <form className={css.form} onSubmit={send}>
          <p>{t('frozen.yours', { time })}</p>
          <CodeInput label={t('frozen.code')} value={code} onChange={setCode} />
          {lift.error && <FieldProblem error={lift.error} />}
          <div>
            <Button type="submit" loading={lift.isPending} disabled={code.length !== 6}>
              {t('frozen.lift')}
            </Button>
          </div>
        </form>
      ) : (
        <p>{t('frozen.ours', { time })}</p>
      )}
    </section>
  );
}
