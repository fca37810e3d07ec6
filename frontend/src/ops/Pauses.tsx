import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { complianceListPausesOptions, complianceResumeMutation } from '@/client/@tanstack/react-query.gen';
import { announce } from '@/ui/announce';
import { serverNow } from '@/ui/clock';
import { FieldProblem, ProblemNote } from '@/ui/ProblemNote';
import { moment } from '@/ui/time';
import { Bars, Empty } from '@/ui/Waiting';
import css from './ops.module.css';

const EVERY = 10_000;

/** What stands still, since when, and who said so. */
export function Pauses() {
  const { t } = useTranslation('ops');
  const queries = useQueryClient();
  const list = useQuery({ ...complianceListPausesOptions(), refetchInterval: EVERY });
  const resume = useMutation({
    ...complianceResumeMutation(),
    onSuccess: (_, { path }) => announce(t('pauses.resumed', { asset: path.asset })),
    onSettled: () => queries.invalidateQueries({ queryKey: [{ _id: 'complianceListPauses' }] }),
  });
  return (
    <section className={css.section} aria-labelledby="pauses">
      <h2 id="pauses">{t('pauses.title', { count: list.data?.items.length ?? 0 })}</h2>
      {list.error && !list.data && <ProblemNote error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <Bars rows={1} />}
      {list.data?.items.length === 0 && <Empty sentence={t('pauses.none')} />}
      <ul className={css.list}>
        {list.data?.items.map((one) => (
          <li key={one.asset} className={css.row} data-paused={one.asset}>
            <p>
              <strong>{one.asset === '*' ? t('pauses.all') : one.asset}</strong> {one.reason}
              <span className={css.note}>
                {t('pauses.by', { by: one.by, time: moment(one.paused_at, serverNow()) })}
              </span>
            </p>
            <Button
              variant="default"
              loading={resume.isPending}
              onClick={() => resume.mutate({ path: { asset: one.asset } })}
            >
              {t('pauses.resume')}
            </Button>
          </li>
        ))}
      </ul>
      {resume.error && <FieldProblem error={resume.error} />}
    </section>
  );
}
