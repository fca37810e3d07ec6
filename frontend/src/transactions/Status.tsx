import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAssets, useNames } from '@/app/assets';
import { LiveDot } from '@/app/LiveDot';
import {
  walletsListBalancesQueryKey,
  withdrawalsCancelMutation,
  withdrawalsGetOptions,
  withdrawalsGetQueryKey,
} from '@/client/@tanstack/react-query.gen';
import { Share } from '@/links/Share';
import { Address } from '@/ui/Address';
import { Amount } from '@/ui/Amount';
import { announce } from '@/ui/announce';
import { CopyButton } from '@/ui/CopyButton';
import { serverNow } from '@/ui/clock';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { Lock } from '@/ui/Lock';
import { ProblemNote } from '@/ui/ProblemNote';
import { Line, Lines, Slip } from '@/ui/Slip';
import { exactMoment } from '@/ui/time';
import { Bars } from '@/ui/Waiting';
import { ConfirmForm } from './ConfirmForm';
import { FeeLines } from './Costs';
import { StatusTimeline } from './StatusTimeline';
import css from './status.module.css';
import { chamber, confirmations, isOver, isRefunded, refund, took, type Withdrawal } from './story';
import { useStory } from './storyWords';

const route = getRouteApi('/inside/withdrawals/$id');

/** Where is my money? A sentence, the lock, what happened, and the slip as quoted. */
export function Status() {
  const { t } = useTranslation('transactions');
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery(withdrawalsGetOptions({ path: { withdrawal_id: id } }));
  if (data) return <Told withdrawal={data} stale={error !== null} />;
  return (
    <div className={css.page}>
      <div className={css.main}>
        <Label>{t('status.question')}</Label>
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
          <Bars rows={5} />
        )}
      </div>
    </div>
  );
}

function Told({ withdrawal, stale }: { withdrawal: Withdrawal; stale: boolean }) {
  const { t } = useTranslation('transactions');
  const queries = useQueryClient();
  const story = useStory()(withdrawal);
  useEffect(() => announce(story.sentence), [story.sentence]);
  const unconfirmed = withdrawal.state === 'pending_verification';
  const path = { withdrawal_id: withdrawal.id };
  const reload = () => void queries.invalidateQueries({ queryKey: withdrawalsGetQueryKey({ path }) });
  return (
    <div
      className={css.page}
      data-state={withdrawal.state}
      data-sub-status={withdrawal.sub_status ?? undefined}
    >
      <div className={css.main}>
        <div className={css.question}>
          <Label>{t('status.question')}</Label>
          {withdrawal.reference && <span>{t('status.reference', { reference: withdrawal.reference })}</span>}
        </div>
        <Heading title={story.title} arrival={withdrawal.id}>
          {story.sentence}
        </Heading>
        <p className={css.next}>
          <WithTimes text={story.next} />
        </p>
        {stale && <p className={css.stale}>{t('status.stale')}</p>}
        {unconfirmed ? (
          <ConfirmForm withdrawal={withdrawal} onDone={reload} onOver={reload} />
        ) : (
          <>
            <TheLock withdrawal={withdrawal} label={story.sentence} />
            <StatusTimeline withdrawal={withdrawal} />
          </>
        )}
      </div>
      <TheSlip withdrawal={withdrawal} />
    </div>
  );
}

/** Times are what people look for: they are set heavier. */
function WithTimes({ text }: { text: string }) {
  let place = 0;
  return text.split(/(\d{2}:\d{2}(?::\d{2})?)/).map((part) => {
    place += part.length;
    return /^\d{2}:\d{2}/.test(part) ? <strong key={place}>{part}</strong> : part;
  });
}

function TheLock({ withdrawal, label }: { withdrawal: Withdrawal; label: string }) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const assets = useAssets();
  const now = serverNow();
  const required =
    assets.data?.items
      .find((item) => item.asset === withdrawal.deliver.asset)
      ?.networks.find((item) => item.network === withdrawal.network)?.confirmations_required ?? 1;
  const { reached, needed } = confirmations(withdrawal, required);
  const at = chamber(withdrawal);
  const sent = withdrawal.attempts.find((attempt) => attempt.sent_at)?.sent_at;
  const arrived = withdrawal.completed_at;
  const back = isRefunded(withdrawal);
  const money = back ? refund(withdrawal) : withdrawal.deliver;
  return (
    <div className={css.lock}>
      <Lock
        at={at}
        label={label}
        needed={needed}
        reached={reached}
        finalWord={t('lock.final')}
        balance={{
          name: t('lock.balance'),
          note: back
            ? t('lock.back')
            : at === 'balance'
              ? t('lock.onHold')
              : sent
                ? t('lock.left', { time: exactMoment(sent, now) })
                : t('lock.leaving'),
        }}
        network={{
          name: names.network(withdrawal.network),
          note: back ? t('lock.notSent') : t('lock.depth', { count: reached, needed }),
        }}
        recipient={{
          name: withdrawal.label ?? t('lock.recipient'),
          note: arrived
            ? t('lock.arrived', { time: exactMoment(arrived, now) })
            : withdrawal.expected_by && !back
              ? t('lock.by', { time: exactMoment(withdrawal.expected_by, now) })
              : '',
        }}
        money={<Amount amount={money.amount} asset={money.asset} afloat={!isOver(withdrawal)} strong />}
      />
    </div>
  );
}

function TheSlip({ withdrawal }: { withdrawal: Withdrawal }) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  return (
    <aside className={css.slip}>
      <Slip label={t('with.slip')}>
        <div className={css.slipHead}>
          <Label>{t('status.to')}</Label>
          <LiveDot />
        </div>
        <div className={css.recipient}>
          {withdrawal.label && <strong className={css.label}>{withdrawal.label}</strong>}
          <p className={css.small}>{t('status.on', { network: names.network(withdrawal.network) })}</p>
          <Address address={withdrawal.address} perLine={5} />
          <div>
            <CopyButton value={withdrawal.address} label={t('status.copyAddress')} plain />
          </div>
        </div>
        <hr />
        <div>
          {withdrawal.debit.asset !== withdrawal.deliver.asset && (
            <Lines>
              <Line name={t('check.theyGet')}>
                <Amount
                  amount={withdrawal.deliver.amount}
                  asset={withdrawal.deliver.asset}
                  afloat={!isOver(withdrawal)}
                />
              </Line>
            </Lines>
          )}
          <FeeLines
            quote={withdrawal}
            became={t('status.whichTook')}
            total={t('status.youPaid', { asset: withdrawal.debit.asset })}
          />
          <p className={css.quoted}>{t(isRefunded(withdrawal) ? 'status.notCharged' : 'status.quoted')}</p>
        </div>
        {withdrawal.state === 'completed' && (
          <p className={css.small}>{t('status.took', { count: took(withdrawal) ?? 0 })}</p>
        )}
        {withdrawal.can_cancel && <Cancel withdrawal={withdrawal} />}
        {withdrawal.state !== 'pending_verification' && (
          <>
            <hr />
            <Share id={withdrawal.id} />
          </>
        )}
      </Slip>
    </aside>
  );
}

/** Asked twice, because it cannot be undone either. */
function Cancel({ withdrawal }: { withdrawal: Withdrawal }) {
  const { t } = useTranslation('transactions');
  const queries = useQueryClient();
  const [sure, setSure] = useState(false);
  const path = { withdrawal_id: withdrawal.id };
  const cancel = useMutation({
    ...withdrawalsCancelMutation(),
    onSuccess: (done) => {
      queries.setQueryData(withdrawalsGetQueryKey({ path }), done);
      void queries.invalidateQueries({ queryKey: walletsListBalancesQueryKey() });
    },
    onError: () => void queries.invalidateQueries({ queryKey: withdrawalsGetQueryKey({ path }) }),
  });
  return (
    <>
      <hr />
      {sure ? (
        <div className={css.cancel}>
          <p className={css.small}>{t('status.cancelText')}</p>
          <Button
            variant="default"
            fullWidth
            loading={cancel.isPending}
            onClick={() => cancel.mutate({ path })}
          >
            {t('status.cancelSure')}
          </Button>
          <Button variant="subtle" fullWidth onClick={() => setSure(false)}>
            {t('status.cancelKeep')}
          </Button>
        </div>
      ) : (
        <Button variant="default" fullWidth onClick={() => setSure(true)}>
          {t('status.cancel')}
        </Button>
      )}
      {cancel.error && <ProblemNote error={cancel.error} />}
    </>
  );
}
