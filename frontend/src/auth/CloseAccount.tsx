import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useRouter } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { forgetVisit } from '@/app/visit';
import {
  accountCloseMutation,
  accountListObstaclesOptions,
  accountListObstaclesQueryKey,
} from '@/client/@tanstack/react-query.gen';
import { FieldProblem, ProblemNote } from '@/ui/ProblemNote';
import { isCode } from '@/ui/problem';
import { Bars } from '@/ui/Waiting';
import css from './auth.module.css';
import { useProof } from './Prove';

/** Going for good: what stands in the way, each said, or the last question. */
export function CloseAccount() {
  const { t } = useTranslation('settings');
  const obstacles = useQuery({ ...accountListObstaclesOptions(), staleTime: 0 });
  const [open, setOpen] = useState(false);
  const reasons = obstacles.data?.reasons;
  return (
    <div className={css.body}>
      <p>{t('close.text')}</p>
      {obstacles.error && !reasons && (
        <ProblemNote error={obstacles.error} onRetry={() => void obstacles.refetch()} />
      )}
      {!reasons && !obstacles.error && <Bars rows={1} height={44} />}
      {reasons && reasons.length > 0 && <Obstacles reasons={reasons} />}
      {reasons?.length === 0 &&
        (open ? (
          <CloseForm onKeep={() => setOpen(false)} />
        ) : (
          <Button variant="default" onClick={() => setOpen(true)}>
            {t('close.open')}
          </Button>
        ))}
    </div>
  );
}

function Obstacles({ reasons }: { reasons: readonly string[] }) {
  const { t } = useTranslation('settings');
  const words = (reason: string) => {
    const [what = '', which = ''] = reason.split(':');
    if (what === 'balance' || what === 'incoming') return t(`close.${what}`, { asset: which });
    if (what === 'withdrawals' || what === 'transfers') return t(`close.${what}`, { count: Number(which) });
    return reason;
  };
  return (
    <>
      <p>{t('close.blocked')}</p>
      <ul className={css.reasons}>
        {reasons.map((reason) => (
          <li key={reason} data-reason={reason}>
            {words(reason)}
          </li>
        ))}
      </ul>
      <div className={css.row}>
        <Button component={Link} to="/pay" variant="default">
          {t('close.pay')}
        </Button>
        <Button component={Link} to="/history" variant="subtle">
          {t('close.history')}
        </Button>
      </div>
    </>
  );
}

function CloseForm({ onKeep }: { onKeep: () => void }) {
  const { t } = useTranslation('settings');
  const queries = useQueryClient();
  const router = useRouter();
  const proof = useProof();
  const close = useMutation({
    ...accountCloseMutation(),
    onSuccess: async () => {
      forgetVisit();
      await router.navigate({ to: '/sign-in', search: { because: 'signed_out' } });
      queries.clear();
    },
    onError: (error) => {
      proof.forgetCode();
      // Something came in meanwhile: it is said above.
      if (isCode(error, 'conflict'))
        void queries.invalidateQueries({ queryKey: accountListObstaclesQueryKey() });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = proof.read();
    if (given) close.mutate({ body: given });
  };
  return (
    <form onSubmit={submit} noValidate>
      <p>
        <strong>{t('close.last')}</strong>
      </p>
      {proof.fields}
      {close.error && <FieldProblem error={close.error} />}
      <div className={css.row}>
        <Button onClick={onKeep}>{t('close.keep')}</Button>
        <Button type="submit" variant="default" loading={close.isPending}>
          {t('close.submit')}
        </Button>
      </div>
    </form>
  );
}
