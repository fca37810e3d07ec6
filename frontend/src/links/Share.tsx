import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import {
  withdrawalsCreateTrackingMutation,
  withdrawalsGetTrackingOptions,
  withdrawalsGetTrackingQueryKey,
  withdrawalsRevokeTrackingMutation,
} from '@/client/@tanstack/react-query.gen';
import { CopyButton } from '@/ui/CopyButton';
import { FieldProblem } from '@/ui/ProblemNote';
import { longDay } from '@/ui/time';
import css from './links.module.css';

/** The receipt of a payment, and the link by which its recipient follows it. */
export function Share({ id }: { id: string }) {
  const { t } = useTranslation('links');
  const queries = useQueryClient();
  const path = { withdrawal_id: id };
  const key = withdrawalsGetTrackingQueryKey({ path });
  const { data } = useQuery(withdrawalsGetTrackingOptions({ path }));
  const make = useMutation({
    ...withdrawalsCreateTrackingMutation(),
    onSuccess: (made) => queries.setQueryData(key, made),
  });
  const revoke = useMutation({
    ...withdrawalsRevokeTrackingMutation(),
    onSuccess: () => queries.invalidateQueries({ queryKey: key }),
  });
  return (
    <section className={css.share} aria-labelledby="share" data-shared={data?.url ? 'yes' : 'no'}>
      <Button
        component="a"
        variant="default"
        fullWidth
        href={`/api/v1/transactions/withdrawals/${id}/receipt.pdf`}
        download
      >
        {t('receipt')}
      </Button>
      <h2 id="share">{t('share.title')}</h2>
      <p className={css.note}>{t('share.text')}</p>
      {data?.url ? (
        <>
          <p className={css.url} data-tracking={data.url}>
            {data.url}
          </p>
          <p className={css.note}>
            {data.expires_at && t('share.until', { time: longDay(data.expires_at) })}
          </p>
          <div className={css.ways}>
            <CopyButton value={data.url} label={t('share.copy')} plain />
            <Button
              variant="default"
              size="sm"
              loading={revoke.isPending}
              onClick={() => revoke.mutate({ path })}
            >
              {t('share.revoke')}
            </Button>
          </div>
        </>
      ) : (
        <Button variant="default" fullWidth loading={make.isPending} onClick={() => make.mutate({ path })}>
          {t('share.make')}
        </Button>
      )}
      {(make.error ?? revoke.error) && <FieldProblem error={make.error ?? revoke.error} />}
    </section>
  );
}
