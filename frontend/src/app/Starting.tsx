import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { sandboxStartOptions } from '@/client/@tanstack/react-query.gen';
import { Heading } from '@/ui/Heading';
import { StatusBadge } from '@/ui/StatusBadge';
import { Bars } from '@/ui/Waiting';
import { Logo } from './Logo';
import css from './Starting.module.css';

/** While the system is starting: each part by name, live. Then the app, once and for all. */
export function Starting({ children }: { children: ReactNode }) {
  const [up, setUp] = useState(false);
  const { t, i18n } = useTranslation('app');
  const { data, error } = useQuery({
    ...sandboxStartOptions(),
    enabled: !up,
    refetchInterval: 700,
    staleTime: 0,
    retry: 2,
    meta: { whileSignedOut: true },
  });
  // A server that does not tell how it starts has started.
  if (!up && (data?.ready || (error && !data))) setUp(true);
  if (up) return children;
  return (
    <main className={css.starting}>
      <Logo label={t('name')} />
      <Heading title={t('starting.title')} quiet>
        {t('starting.title')}
      </Heading>
      <p className={css.lead}>{t('starting.lead')}</p>
      {data ? (
        <ol className={css.parts}>
          {data.parts.map((part) => (
            <li key={part.name} data-state={part.state}>
              <span className={css.name}>
                {i18n.exists(`app:starting.part.${part.name}`)
                  ? t(`starting.part.${part.name as 'postgres'}`)
                  : part.name}
                {part.detail && <span className={css.detail}>{part.detail}</span>}
              </span>
              <StatusBadge
                standing={
                  part.state === 'ready'
                    ? 'done'
                    : part.state === 'failed'
                      ? 'waiting'
                      : part.state === 'starting'
                        ? 'moving'
                        : 'over'
                }
                word={t(`starting.state.${part.state}`)}
              />
            </li>
          ))}
        </ol>
      ) : (
        <Bars rows={5} />
      )}
    </main>
  );
}
