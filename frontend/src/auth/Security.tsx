import { useTranslation } from 'react-i18next';
import { useMe } from '@/app/session';
import { Heading } from '@/ui/Heading';
import { Authenticator } from './Authenticator';
import css from './auth.module.css';
import { ChangePassword } from './ChangePassword';
import { Frozen } from './Frozen';
import { Sessions } from './Sessions';

export function Security() {
  const { t } = useTranslation('auth');
  const me = useMe();
  return (
    <div className={css.page}>
      <div>
        <Heading title={t('security.title')}>
          {me.factors.length ? t('security.headingReady') : t('security.headingMissing')}
        </Heading>
      </div>
      <Frozen />
      <section className={css.section} aria-labelledby="authenticator">
        <h2 id="authenticator">{t('totp.title')}</h2>
        <Authenticator />
      </section>
      <section className={css.section} aria-labelledby="password">
        <h2 id="password">{t('password.title')}</h2>
        <ChangePassword />
      </section>
      <section className={css.section} aria-labelledby="sessions">
        <h2 id="sessions">{t('sessions.title')}</h2>
        <Sessions />
      </section>
    </div>
  );
}
