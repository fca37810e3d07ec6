import { Button, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  complianceDecideApprovalMutation,
  complianceListApprovalsOptions,
} from '@/client/@tanstack/react-query.gen';
import type { ComplianceListApprovalsResponse } from '@/client/types.gen';
import { Address } from '@/ui/Address';
import { announce } from '@/ui/announce';
import { serverNow } from '@/ui/clock';
import { FieldProblem, ProblemNote } from '@/ui/ProblemNote';
import { moment } from '@/ui/time';
import { Bars, Empty } from '@/ui/Waiting';
import css from './ops.module.css';

type Waiting = ComplianceListApprovalsResponse['items'][number];

const EVERY = 10_000;

/** What waits for a person's yes. The yes is bound to exactly what is shown, by its digest. */
export function Approvals() {
  const { t } = useTranslation('ops');
  const list = useQuery({
    ...complianceListApprovalsOptions({ query: { state: 'pending' } }),
    refetchInterval: EVERY,
  });
  return (
    <section className={css.section} aria-labelledby="approvals">
      <h2 id="approvals">{t('approvals.title', { count: list.data?.items.length ?? 0 })}</h2>
      {list.error && !list.data && <ProblemNote error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <Bars rows={2} />}
      {list.data?.items.length === 0 && <Empty sentence={t('approvals.none')} />}
      <ul className={css.list}>
        {list.data?.items.map((one) => (
          <Approval key={one.id} one={one} />
        ))}
      </ul>
    </section>
  );
}

function Approval({ one }: { one: Waiting }) {
  const { t } = useTranslation('ops');
  const queries = useQueryClient();
  const field = useRef<HTMLInputElement>(null);
  const [reason, setReason] = useState('');
  const [asked, setAsked] = useState(false);
  const decide = useMutation({
    ...complianceDecideApprovalMutation(),
    onSuccess: (done) => announce(t(`approvals.${done.state}`)),
    onSettled: () => queries.invalidateQueries({ queryKey: [{ _id: 'complianceListApprovals' }] }),
  });
  const answer = (verdict: 'approve' | 'reject') => {
    setAsked(true);
    if (!reason.trim()) return field.current?.focus();
    decide.mutate({ path: { approval_id: one.id }, body: { verdict, digest: one.digest, reason } });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    answer('approve');
  };
  return (
    <li className={css.row} data-approval={one.id}>
      <Summary one={one} />
      <form className={css.form} onSubmit={submit} noValidate>
        <p className={css.note}>
          {t('approvals.since', {
            time: moment(one.created_at, serverNow()),
            given: one.approved_by,
            needed: one.needed,
          })}
        </p>
        <TextInput
          ref={field}
          label={t('approvals.reason')}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          maxLength={200}
          error={asked && !reason.trim() ? t('approvals.reasonMissing') : undefined}
        />
        {decide.error && <FieldProblem error={decide.error} />}
        <div className={css.acts}>
          <Button type="submit" loading={decide.isPending}>
            {t('approvals.approve')}
          </Button>
          <Button variant="default" loading={decide.isPending} onClick={() => answer('reject')}>
            {t('approvals.reject')}
          </Button>
        </div>
      </form>
    </li>
  );
}

/** Every line of what the digest is over; an address whole, in groups. */
function Summary({ one }: { one: Waiting }) {
  return (
    <dl className={css.summary}>
      {Object.entries(one.summary).map(([name, value]) => (
        <div key={name}>
          <dt>{name.replaceAll('_', ' ')}</dt>
          <dd>
            {name === 'address' && typeof value === 'string' ? (
              <Address address={value} perLine={5} />
            ) : typeof value === 'string' || typeof value === 'number' ? (
              value
            ) : (
              JSON.stringify(value)
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}
