import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Outlet, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { BooksLine } from '@/app/BooksLine';
import { config, isSandbox } from '@/app/config';
import { Logo } from '@/app/Logo';
import { useMe } from '@/app/session';
import shell from '@/app/shell.module.css';
import { forgetVisit } from '@/app/visit';
import { authLogoutMutation } from '@/client/@tanstack/react-query.gen';
import css from './ops.module.css';

/** The operators' own frame: which installation this is, who one is, and nothing of the customers' area. */
export function OpsFrame() {
  const { t } = useTranslation('ops');
  const { t: tApp } = useTranslation('app');
  const me = useMe();
  const router = useRouter();
  const queries = useQueryClient();
  const logout = useMutation({
    ...authLogoutMutation(),
    onSettled: async () => {
      forgetVisit();
      await router.navigate({ to: '/sign-in', search: { because: 'signed_out' } });
      queries.clear();
    },
  });
  return (
    <>
      <header className={shell.header}>
        <p className={css.banner} data-mode={config.mode}>
          {t(isSandbox ? 'banner.sandbox' : 'banner.production', { version: config.version })}
        </p>
        <div className={shell.inner}>
          <Logo label={tApp('name')} />
          <span className={css.who}>{t('who', { email: me.email, roles: me.roles.join(', ') })}</span>
          <div className={shell.end}>
            <Button variant="default" onClick={() => logout.mutate({})}>
              {tApp('account.signOut')}
            </Button>
          </div>
        </div>
      </header>
      <main className={shell.main} id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <BooksLine />
    </>
  );
}
