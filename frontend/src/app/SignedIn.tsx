import { Menu, UnstyledButton, useMantineColorScheme, VisuallyHidden } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { authLogoutMutation } from '@/client/@tanstack/react-query.gen';
import { BooksLine } from './BooksLine';
import { config, isSandbox } from './config';
import { HouseNotice } from './House';
import { LiveDot } from './LiveDot';
import { Logo } from './Logo';
import { follow } from './live';
import { initials, useMe } from './session';
import css from './shell.module.css';
import { forgetVisit } from './visit';

const PLACES = [
  { to: '/', key: 'home' },
  { to: '/pay', key: 'pay' },
  { to: '/deposit', key: 'deposit' },
  ...(config.features.conversions ? ([{ to: '/convert', key: 'convert' }] as const) : []),
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
      <HouseNotice />
      <header className={css.header} data-part="header">
        <div className={css.inner}>
          <Link to="/" className={css.logo} aria-label={t('nav.homeLabel')}>
            <Logo label={t('name')} />
          </Link>
          <nav className={css.nav} data-part="nav" aria-label={t('nav.label')}>
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
      <main className={css.main} data-part="page" id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <BooksLine />
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
        <Menu.Item onClick={() => void router.navigate({ to: '/settings' })}>
          {t('account.settings')}
        </Menu.Item>
        <Menu.Item onClick={() => void router.navigate({ to: '/security' })}>
          {t('account.security')}
        </Menu.Item>
        {config.features.webhooks && (
          <Menu.Item onClick={() => void router.navigate({ to: '/webhooks' })}>
            {t('account.webhooks')}
          </Menu.Item>
        )}
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
