import { useTranslation } from 'react-i18next';
import css from './auth.module.css';
import { LEAST, passwordLength } from './password';

/** A level that rises to the shortest length we take. */
export function PasswordLength({ password }: { password: string }) {
  const { t } = useTranslation('auth');
  const length = passwordLength(password);
  if (length === 0) return null;
  return (
    <div className={css.strength}>
      <div className={css.track} aria-hidden="true">
        <span style={{ width: `${Math.min(100, (length / LEAST) * 100)}%` }} />
      </div>
      {length < LEAST ? t('password.more', { count: LEAST - length }) : t('password.enough')}
    </div>
  );
}
