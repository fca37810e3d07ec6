import { Menu, UnstyledButton, useMantineColorScheme, VisuallyHidden } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useRouter } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { authLogoutMutation } from '@/client/@tanstack/react-query.gen';
import { BooksLine } from './BooksLine';
import { isSandbox } from './config';
import { LiveDot } from './LiveDot';
import { Logo } from './Logo';
import { follow } from './live';
import { initials, useMe } from './session';
import css from './shell.module.css';
import { forgetVisit } from './visit';

/** For visitors of a sandbox: nobody else loads them. */
const Tour = lazy(async () => ({ default: (await import('./Tour')).Tour }));
const Requests = lazy(async () => ({ default: (await import('./Requests')).Requests }));

const PLACES = [
  { to: '/', key: 'home' },
  { to: '/pay', key: 'pay' },
  { to: '/deposit', key: 'deposit' },
  { to: '/convert', key: 'convert' },
  { to: '/history', key: 'history' },
  { to: '/addresses', key: 'addresses' },
  ...(isSandbox ? ([{ to: '/break', key: 'break' }] as const) : []),
] as const;

const SCHEMES = ['auto', 'light', 'dark'] as const;

/** The frame of every signed-in page: where one can go, whether it is live, and the state of the books. */
export function SignedIn() {
  const { t } = useTranslation('app');
  const queries = useQueryClient();
  useEffect(() => follow(queries), [queries]);
  return (
    <>
      <a className={css.skip} href="#main">
        {t('skip')}
      </a>
      <header className={css.header}>
        <div className={css.inner}>
          <Link to="/" className={css.logo} aria-label={t('nav.homeLabel')}>
            <Logo label={t('name')} />
          </Link>
          <nav className={css.nav} aria-label={t('nav.label')}>
            {PLACES.map(({ to, key }) => (
              <Link key={to} to={to} activeOptions={{ exact: to === '/', includeSearch: false }}>
                {t(`nav.${key}`)}
              </Link>
            ))}
          </nav>
          <div className={css.end}>
            <LiveDot />
            <AccountMenu />
          </div>
        </div>
      </header>
      {isSandbox && (
        <Suspense>
          <Tour />
        </Suspense>
      )}
      <main className={css.main} id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <BooksLine />
      {isSandbox && (
        <Suspense>
          <Requests />
        </Suspense>
      )}
    </>
  );
}

function AccountMenu() {
  const { t } = useTranslation('app');
  const me = useMe();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
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
    <Menu
      withinPortal={false}
      withInitialFocusPlaceholder={false}
      position="bottom-end"
      width={248}
      offset={10}
      returnFocus
      transitionProps={{ duration: 0 }}
    >
      <Menu.Target>
        <UnstyledButton className={css.account}>
          <span aria-hidden="true">{initials(me)}</span>
          <VisuallyHidden>{t('account.open', { email: me.email })}</VisuallyHidden>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown className={css.menu}>
        <Menu.Label>{me.email}</Menu.Label>
        {PLACES.map(({ to, key }) => (
          <Menu.Item key={to} className={css.onPhone ?? ''} onClick={() => void router.navigate({ to })}>
            {t(`nav.${key}`)}
          </Menu.Item>
        ))}
        <Menu.Divider className={css.onPhone ?? ''} />
        <Menu.Item onClick={() => void router.navigate({ to: '/security' })}>
          {t('account.security')}
        </Menu.Item>
        <Menu.Item onClick={() => void router.navigate({ to: '/webhooks' })}>
          {t('account.webhooks')}
        </Menu.Item>
        <Menu.Item onClick={() => logout.mutate({})}>{t('account.signOut')}</Menu.Item>
        <Menu.Divider />
        <Menu.RadioGroup
          value={colorScheme}
          onChange={(chosen) => setColorScheme(SCHEMES.find((scheme) => scheme === chosen) ?? 'auto')}
        >
          {SCHEMES.map((scheme) => (
            <Menu.RadioItem key={scheme} value={scheme} closeMenuOnClick={false}>
              {t(`scheme.${scheme}`)}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Dropdown>
    </Menu>
  );
}
