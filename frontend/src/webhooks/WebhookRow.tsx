import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  webhooksDeleteMutation,
  webhooksListDeliveriesQueryKey,
  webhooksRotateMutation,
  webhooksTestMutation,
  webhooksUpdateMutation,
} from '@/client/@tanstack/react-query.gen';
import type { EndpointOut } from '@/client/types.gen';
import { useServerNow } from '@/ui/clock';
import { ProblemNote } from '@/ui/ProblemNote';
import { StatusBadge } from '@/ui/StatusBadge';
import { moment } from '@/ui/time';
import { Deliveries } from './Deliveries';
import { isOffered } from './kinds';
import css from './webhooks.module.css';

interface Props {
  item: EndpointOut;
  onChanged: () => Promise<void>;
  onSecret: (secret: string | null) => Promise<void>;
}

/** One server: whether it takes what it is sent, and what can be done about it. */
export function WebhookRow({ item, onChanged, onSecret }: Props) {
  const { t } = useTranslation('webhooks');
  const queries = useQueryClient();
  const now = useServerNow(60_000);
  const [open, setOpen] = useState(false);
  const [removing, setRemoving] = useState(false);
  const path = { webhook_id: item.id };
  const test = useMutation({
    ...webhooksTestMutation(),
    onSuccess: async () => {
      setOpen(true);
      await queries.invalidateQueries({ queryKey: webhooksListDeliveriesQueryKey({ path }) });
    },
  });
  const rotate = useMutation({ ...webhooksRotateMutation(), onSuccess: (made) => onSecret(made.secret) });
  const update = useMutation({ ...webhooksUpdateMutation(), onSettled: onChanged });
  const remove = useMutation({ ...webhooksDeleteMutation(), onSettled: onChanged });
  const failed = test.error ?? rotate.error ?? update.error ?? remove.error;
  const kinds = item.kinds.map((kind) => (isOffered(kind) ? t(`kind.${kind}`) : kind)).join(', ');
  return (
    <li data-webhook={item.id} data-enabled={item.enabled}>
      <span className={css.url}>{item.url}</span>
      <Standing item={item} />
      <p className={css.note}>
        {kinds || t('row.all')} ·{' '}
        {item.delivered_at ? t('row.last', { when: moment(item.delivered_at, now) }) : t('row.never')}
      </p>
      {item.secret_before_until && (
        <p className={css.note}>{t('row.both', { when: moment(item.secret_before_until, now) })}</p>
      )}
      <div className={css.actions}>
        {item.enabled && (
          <Button variant="default" loading={test.isPending} onClick={() => test.mutate({ path })}>
            {t('row.test')}
          </Button>
        )}
        <Button variant="default" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? t('row.hide') : t('row.show')}
        </Button>
        <Button variant="subtle" loading={rotate.isPending} onClick={() => rotate.mutate({ path })}>
          {t('row.rotate')}
        </Button>
        <Button
          variant="subtle"
          loading={update.isPending}
          onClick={() => update.mutate({ path, body: { enabled: !item.enabled } })}
        >
          {item.enabled ? t('row.off') : t('row.on')}
        </Button>
        {!removing && (
          <Button variant="subtle" onClick={() => setRemoving(true)}>
            {t('row.remove')}
          </Button>
        )}
      </div>
      {removing && (
        <div className={css.form}>
          <p>{t('row.removeText')}</p>
          <div className={css.actions}>
            <Button loading={remove.isPending} onClick={() => remove.mutate({ path })}>
              {t('row.remove')}
            </Button>
            <Button variant="default" onClick={() => setRemoving(false)}>
              {t('row.keepIt')}
            </Button>
          </div>
        </div>
      )}
      {failed && <ProblemNote error={failed} />}
      {open && <Deliveries webhookId={item.id} url={item.url} enabled={item.enabled} />}
    </li>
  );
}

function Standing({ item }: { item: EndpointOut }) {
  const { t } = useTranslation('webhooks');
  if (item.disabled) {
    const word = item.disabled === 'failing' ? t('state.off_failing') : t(`state.${item.disabled}`);
    return <StatusBadge standing="over" word={word} />;
  }
  if (item.failures > 0) return <StatusBadge standing="waiting" word={t('state.failing')} />;
  return <StatusBadge standing="done" word={t('state.on')} />;
}
