import { Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Logo } from './Logo';
import { SchemeSwitch } from './SchemeSwitch';
import css from './shell.module.css';

export function SignedOut() {
  const { t } = useTranslation('app');
  return (
    <>
      <header className={css.header}>
        <div className={css.inner}>
          <Logo label={t('name')} />
          <div className={css.end}>
            <SchemeSwitch />
          </div>
        </div>
      </header>
      <main className={css.main}>
        <Outlet />
      </main>
    </>
  );
}
