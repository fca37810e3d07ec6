import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { webhooksListOptions, webhooksListQueryKey } from '@/client/@tanstack/react-query.gen';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import { Bars, Empty } from '@/ui/Waiting';
import { Secret } from './Secret';
import { WebhookForm } from './WebhookForm';
import { WebhookRow } from './WebhookRow';
import css from './webhooks.module.css';

/** Which servers of theirs are told what changes, and what became of each message. */
export function Webhooks() {
  const { t } = useTranslation('webhooks');
  const queries = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const { data, error, isPending, refetch } = useQuery(webhooksListOptions());
  const changed = () => queries.invalidateQueries({ queryKey: webhooksListQueryKey() });
  const told = async (made: string | null) => {
    setSecret(made);
    setAdding(false);
    await changed();
  };
  return (
    <div className={css.page}>
      <header className={css.head}>
        <div>
          <Heading title={t('title')}>{t('heading')}</Heading>
          <p className={css.lead}>{t('lead')}</p>
        </div>
        {!adding && !secret && data && data.items.length < data.most && (
          <Button onClick={() => setAdding(true)}>{t('add')}</Button>
        )}
      </header>
      {adding && <WebhookForm onAdded={told} onKeep={() => setAdding(false)} />}
      {secret && <Secret value={secret} onDone={() => setSecret(null)} />}
      {error && !data && <ProblemNote error={error} onRetry={() => void refetch()} />}
      {isPending && <Bars rows={3} height={92} />}
      {data && data.items.length === 0 && !adding && <Empty sentence={t('empty')} />}
      {data && data.items.length > 0 && (
        <ul className={css.list} aria-label={t('list')}>
          {data.items.map((item) => (
            <WebhookRow key={item.id} item={item} onChanged={changed} onSecret={told} />
          ))}
        </ul>
      )}
    </div>
  );
}
