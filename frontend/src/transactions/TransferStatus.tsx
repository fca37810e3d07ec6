import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import {
  transfersCancelMutation,
  transfersGetOptions,
  transfersGetQueryKey,
  walletsListBalancesQueryKey,
} from '@/client/@tanstack/react-query.gen';
import { figuresText } from '@/money/figures';
import { announce } from '@/ui/announce';
import { serverNow } from '@/ui/clock';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { ProblemNote } from '@/ui/ProblemNote';
import { exactMoment } from '@/ui/time';
import { Bars } from '@/ui/Waiting';
import css from './pay.module.css';
import { type Transfer, TransferConfirm, TransferDetails } from './TransferConfirm';

const route = getRouteApi('/inside/transfers/$id');

/** Where the money of an internal transfer is: with the sender, or with the recipient. There is nothing between. */
export function TransferStatus() {
  const { t } = useTranslation('transactions');
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery(transfersGetOptions({ path: { transfer_id: id } }));
  if (data) return <Told transfer={data} />;
  return (
    <div className={css.main}>
      <Heading title={t('status.question')} quiet>
        {error ? t('status.unknown') : t('status.looking')}
      </Heading>
      {error ? (
        <ProblemNote
          error={error}
          money={t('status.safe')}
          onRetry={() => void refetch()}
          way={<Link to="/history">{t('status.history')}</Link>}
        />
      ) : (
        <Bars rows={4} />
      )}
    </div>
  );
}

const STATES = ['pending_verification', 'completed', 'cancelled', 'expired'] as const;

function Told({ transfer }: { transfer: Transfer }) {
  const { t } = useTranslation('transactions');
  const queries = useQueryClient();
  const path = { transfer_id: transfer.id };
  const reload = () => {
    void queries.invalidateQueries({ queryKey: transfersGetQueryKey({ path }) });
    void queries.invalidateQueries({ queryKey: walletsListBalancesQueryKey() });
  };
  const cancel = useMutation({ ...transfersCancelMutation(), onSettled: reload });
  const state = STATES.find((known) => known === transfer.state) ?? 'pending_verification';
  const came = transfer.direction === 'in';
  const values = {
    money: figuresText(transfer.amount, transfer.asset),
    to: transfer.to_email ?? '',
    from: transfer.from_email ?? t('inside.somebody'),
    time: exactMoment(transfer.since ?? transfer.created_at, serverNow()),
  };
  const told = came ? 'came' : state === 'completed' && !transfer.to_email ? 'completedAddress' : state;
  const sentence = t(`inside.story.${told}`, values);
  useEffect(() => announce(sentence), [sentence]);
  const waits = state === 'pending_verification';
  return (
    <div className={css.main} data-confirm data-state={transfer.state} data-direction={transfer.direction}>
      <Label>{t('status.question')}</Label>
      <Heading title={sentence} arrival={transfer.id}>
        {sentence}
      </Heading>
      <p className={css.lead}>
        {came ? t('inside.afterwards.came', values) : t(`inside.afterwards.${state}`, values)}
      </p>
      {waits ? (
        <>
          <TransferConfirm transfer={transfer} onDone={reload} onOver={reload} />
          {cancel.error && <ProblemNote error={cancel.error} />}
          <div>
            <Button variant="subtle" loading={cancel.isPending} onClick={() => cancel.mutate({ path })}>
              {t('confirm.cancel')}
            </Button>
          </div>
        </>
      ) : (
        <>
          <TransferDetails transfer={transfer} />
          {transfer.reference && (
            <p className={css.note}>{t('status.reference', { reference: transfer.reference })}</p>
          )}
          <div>
            <Link to="/history">{t('inside.history')}</Link>
          </div>
        </>
      )}
    </div>
  );
}
