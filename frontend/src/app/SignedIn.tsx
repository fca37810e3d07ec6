import { useQueryClient } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { BooksLine, StandsStill } from './BooksLine';
import { isSandbox } from './config';
import { HouseNotice } from './House';
import { LiveDot } from './LiveDot';
import { Logo } from './Logo';
import { follow } from './live';
import { PLACES } from './places';
import { initials, useMe } from './session';
import css from './shell.module.css';

const AccountMenu = lazy(async () => ({ default: (await import('./AccountMenu')).AccountMenu }));
/** For visitors of a sandbox: nobody else loads them. */
const Tour = lazy(async () => ({ default: (await import('./Tour')).Tour }));
const Requests = lazy(async () => ({ default: (await import('./Requests')).Requests }));

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
            <Suspense fallback={<Waiting />}>
              <AccountMenu />
            </Suspense>
          </div>
        </div>
      </header>
      {isSandbox && (
        <Suspense>
          <Tour />
        </Suspense>
      )}
      <main className={css.main} data-part="page" id="main" tabIndex={-1}>
        <StandsStill />
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

/** The disc of the account before its menu is there. */
function Waiting() {
  return (
    <span className={css.account} aria-hidden="true">
      <span>{initials(useMe())}</span>
    </span>
  );
}
