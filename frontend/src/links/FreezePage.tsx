import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { authFreeze, authLookFreeze } from '@/client/sdk.gen';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import css from './links.module.css';
import { Nowhere } from './Nowhere';
import { OPEN, useToken } from './token';

/** Stops everything that would leave an account, by the link in a mail and one button. */
export function FreezePage() {
  const { t } = useTranslation('links');
  const token = useToken();
  const queries = useQueryClient();
  const key = ['freezeLink', token];
  const look = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) =>
      (await authLookFreeze({ body: { token }, signal, throwOnError: true })).data,
    enabled: token !== '',
    meta: OPEN,
  });
  const freeze = useMutation({
    mutationFn: async () => (await authFreeze({ body: { token }, throwOnError: true })).data,
    onSuccess: (done) => queries.setQueryData(key, done),
    onError: () => void queries.invalidateQueries({ queryKey: key }),
  });
  const title = t('freeze.title');
  if (!look.data)
    return <Nowhere token={token} error={look.error} title={title} onRetry={() => void look.refetch()} />;
  const { email, frozen_at: frozen, used } = look.data;
  const state = frozen ? 'frozen' : used ? 'used' : 'open';
  return (
    <div className={css.page} data-state={state}>
      <Heading title={title} arrival={state}>
        {state === 'frozen' ? t('freeze.done') : t(state === 'used' ? 'freeze.used' : 'freeze.heading')}
      </Heading>
      <p className={css.lead}>
        {state === 'frozen'
          ? t('freeze.doneText')
          : t(state === 'used' ? 'freeze.usedText' : 'freeze.lead', { email })}
      </p>
      {state === 'open' && <p className={css.note}>{t('freeze.lift')}</p>}
      {freeze.error && <ProblemNote error={freeze.error} />}
      <div className={css.ways}>
        {state === 'open' && (
          <Button loading={freeze.isPending} onClick={() => freeze.mutate()}>
            {t('freeze.sure')}
          </Button>
        )}
        <Link to="/security">{t('freeze.security')}</Link>
      </div>
    </div>
  );
}
