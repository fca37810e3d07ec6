import { Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { HouseFooter, HouseNotice } from './House';
import { Logo } from './Logo';
import { SchemeSwitch } from './SchemeSwitch';
import css from './shell.module.css';

export function SignedOut() {
  const { t } = useTranslation('app');
  return (
    <>
      <HouseNotice />
      <header className={css.header} data-part="header">
        <div className={css.inner}>
          <Logo label={t('name')} />
          <div className={css.end}>
            <SchemeSwitch />
          </div>
        </div>
      </header>
      <main className={css.main} data-part="page">
        <Outlet />
      </main>
      <HouseFooter />
    </>
  );
}
