import { Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { webhooksListDeliveriesOptions, webhooksRedeliverMutation } from '@/client/@tanstack/react-query.gen';
import type { DeliveryOut } from '@/client/types.gen';
import { useServerNow } from '@/ui/clock';
import { ProblemNote } from '@/ui/ProblemNote';
import { StatusBadge } from '@/ui/StatusBadge';
import { moment } from '@/ui/time';
import { Bars } from '@/ui/Waiting';
import css from './webhooks.module.css';

const SHOWN = 20;
const LOOK_MILLISECONDS = 2_000;
const STANDING = { delivered: 'done', waiting: 'waiting', failed: 'over' } as const;

/** The newest messages to one server, looked at again while one of them waits. */
export function Deliveries({
  webhookId,
  url,
  enabled,
}: {
  webhookId: string;
  url: string;
  enabled: boolean;
}) {
  const { t } = useTranslation('webhooks');
  const now = useServerNow(10_000);
  const list = useQuery({
    ...webhooksListDeliveriesOptions({ path: { webhook_id: webhookId }, query: { limit: SHOWN } }),
    refetchInterval: LOOK_MILLISECONDS,
  });
  const again = useMutation({ ...webhooksRedeliverMutation(), onSettled: () => list.refetch() });
  if (list.error) return <ProblemNote error={list.error} onRetry={() => void list.refetch()} />;
  if (!list.data) return <Bars rows={2} />;
  if (list.data.items.length === 0) return <p className={css.note}>{t('sent.empty')}</p>;
  return (
    <>
      {again.error && <ProblemNote error={again.error} />}
      <ul className={css.sent} aria-label={t('sent.list', { url })}>
        {list.data.items.map((item) => (
          <li key={item.id} data-delivery={item.id} data-state={item.state}>
            <div>
              <strong>{item.type}</strong>
              <StatusBadge standing={STANDING[known(item.state)]} word={t(`sent.${known(item.state)}`)} />
              <span className={css.note}>
                {moment(item.created_at, now)} · {t('sent.tries', { count: item.answers.length })}
                {item.expected_by && ` · ${t('sent.next', { when: moment(item.expected_by, now) })}`}
              </span>
              <LastAnswer item={item} />
            </div>
            {enabled && item.state !== 'waiting' && (
              <Button
                variant="subtle"
                loading={again.isPending && again.variables.path.delivery_id === item.id}
                onClick={() => again.mutate({ path: { webhook_id: webhookId, delivery_id: item.id } })}
              >
                {t('sent.again')}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function known(state: string): keyof typeof STANDING {
  return state in STANDING ? (state as keyof typeof STANDING) : 'waiting';
}

/** What a stranger's server said, as text and nothing else. */
function LastAnswer({ item }: { item: DeliveryOut }) {
  const { t } = useTranslation('webhooks');
  const last = item.answers.at(-1);
  if (!last) return null;
  return (
    <span className={css.answer}>
      {last.status === null
        ? last.error
        : t('sent.answer', { status: last.status, milliseconds: last.milliseconds })}
      {last.body && `: ${last.body.slice(0, 120)}`}
    </span>
  );
}
