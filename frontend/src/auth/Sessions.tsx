import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { forgetVisit } from '@/app/visit';
import {
  authListSessionsOptions,
  authListSessionsQueryKey,
  authLogoutEverywhereMutation,
  authRevokeSessionMutation,
} from '@/client/@tanstack/react-query.gen';
import { useServerNow } from '@/ui/clock';
import { ProblemNote } from '@/ui/ProblemNote';
import { moment } from '@/ui/time';
import { Bars } from '@/ui/Waiting';
import css from './auth.module.css';

/** "Chrome on Linux": enough to recognise one's own machine. */
export function machine(userAgent: string | null): { browser: string; system: string } | null {
  if (!userAgent) return null;
  const browser = /Firefox|Edg|OPR|Chrome|Safari|python|curl/i.exec(userAgent)?.[0];
  const system = /Windows|Android|iPhone|iPad|Mac OS X|Linux/i.exec(userAgent)?.[0];
  if (!browser) return null;
  const name = { Edg: 'Edge', OPR: 'Opera' }[browser] ?? browser;
  return { browser: name, system: system === 'Mac OS X' ? 'macOS' : (system ?? '') };
}

export function Sessions() {
  const { t } = useTranslation('auth');
  const queries = useQueryClient();
  const router = useRouter();
  const now = useServerNow(60_000);
  const { data, error, refetch } = useQuery(authListSessionsOptions());
  const end = useMutation({
    ...authRevokeSessionMutation(),
    onSettled: () => queries.invalidateQueries({ queryKey: authListSessionsQueryKey() }),
  });
  const everywhere = useMutation({
    ...authLogoutEverywhereMutation(),
    onSuccess: async () => {
      forgetVisit();
      await router.navigate({ to: '/sign-in', search: { because: 'signed_out' } });
      queries.clear();
    },
  });
  return (
    <div className={css.body}>
      {error && <ProblemNote error={error} onRetry={() => void refetch()} />}
      {!data && !error && (
        <div className={css.sessions}>
          <Bars rows={2} />
        </div>
      )}
      {data && (
        <ul className={css.sessions}>
          {data.items.map((session) => {
            const known = machine(session.user_agent);
            return (
              <li key={session.id}>
                <div>
                  <strong>
                    {known ? t('sessions.machine', known).trim() : t('sessions.unknown')}
                    {session.current && ` · ${t('sessions.this')}`}
                  </strong>
                  <span>
                    {t('sessions.seen', {
                      since: moment(session.created_at, now),
                      seen: moment(session.last_seen_at, now),
                    })}
                  </span>
                </div>
                {!session.current && (
                  <Button
                    variant="subtle"
                    loading={end.isPending && end.variables.path.session_id === session.id}
                    onClick={() => end.mutate({ path: { session_id: session.id } })}
                  >
                    {t('sessions.end')}
                  </Button>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {(end.error ?? everywhere.error) && <ProblemNote error={end.error ?? everywhere.error} />}
      <p>{t('sessions.everywhereText')}</p>
      <Button variant="default" loading={everywhere.isPending} onClick={() => everywhere.mutate({})}>
        {t('sessions.everywhere')}
      </Button>
    </div>
  );
}
