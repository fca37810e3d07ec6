import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { sandboxAuthenticator } from '@/client/sdk.gen';
import type { SandboxAuthenticatorResponse } from '@/client/types.gen';
import { Tube } from '@/ui/Countdown';
import { useServerNow } from '@/ui/clock';
import { Bars } from '@/ui/Waiting';
import css from './DemoCodes.module.css';

export type DemoUser = SandboxAuthenticatorResponse['items'][number];

const PERIOD = 30;
const TURN_MILLISECONDS = 300;

interface Props {
  /** Only this person's code. */
  only?: string | undefined;
  /** Shows a button for each person. */
  action?: { word: string; run: (user: DemoUser) => void } | undefined;
  heading: string;
}

/** The demo users' authenticators: a sandbox has nobody to hide them from. */
export function DemoCodes({ only, action, heading }: Props) {
  const { t } = useTranslation('app');
  const now = useServerNow();
  const left = PERIOD - (Math.floor(now / 1000) % PERIOD);
  // A moment after the turn of the half minute, so that the server has turned too.
  const period = Math.floor((now - TURN_MILLISECONDS) / 1000 / PERIOD);
  const { data } = useQuery({
    queryKey: ['demoCodes', period],
    queryFn: async ({ signal }) => (await sandboxAuthenticator({ signal, throwOnError: true })).data,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
    meta: { whileSignedOut: true },
  });
  const users = data?.items.filter((user) => !only || user.email === only);
  if (only && data && users?.length === 0) return null;
  return (
    <section className={css.codes} aria-label={heading}>
      <header>
        <h2>{heading}</h2>
        <span className={css.left} role="timer" aria-live="off">
          <Tube level={left / PERIOD} compact />
          {t('demo.left', { count: left })}
        </span>
      </header>
      {users ? (
        <ul>
          {users.map((user) => (
            <li key={user.email} data-email={user.email}>
              <div>
                <span className={css.name} data-raw>
                  {nameOf(user.email)}
                </span>
                <span className={css.email}>{user.email}</span>
              </div>
              <div className={css.right}>
                <span className={css.code} data-code={user.code}>
                  {user.code.slice(0, 3)} {user.code.slice(3)}
                </span>
                {action && (
                  <button type="button" className={css.use} onClick={() => action.run(user)}>
                    {action.word}
                    <span className={css.hidden}> {user.email}</span>
                  </button>
                )}
              </div>
            </li>
          ))}
        </ul>
      ) : (
        <Bars rows={3} height={58} />
      )}
    </section>
  );
}

/** "ines@demo.example" → "Ines". */
function nameOf(email: string): string {
  const [local = email] = email.split('@');
  return local.slice(0, 1).toUpperCase() + local.slice(1);
}
