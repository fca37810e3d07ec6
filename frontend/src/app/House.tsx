import { useTranslation } from 'react-i18next';
import { config } from './config';
import css from './shell.module.css';

/** A sentence of whoever runs this, above every page, until they take it out. */
export function HouseNotice() {
  const { t } = useTranslation('app');
  const { notice } = config;
  if (!notice) return null;
  return (
    <aside className={css.notice} data-tone={notice.tone} data-part="notice" aria-label={t('notice')}>
      <p>{notice.text}</p>
    </aside>
  );
}

const LINKS = ['support', 'terms', 'privacy', 'status'] as const;

/** The ways out of the house that its operator names. */
export function HouseLinks() {
  const { t } = useTranslation('app');
  const links = LINKS.flatMap((key) => {
    const url = config.links[key];
    return url ? [{ key, url }] : [];
  });
  if (links.length === 0) return null;
  return (
    <nav className={css.links} aria-label={t('links.label')} data-part="links">
      {links.map(({ key, url }) => (
        <a key={key} href={url} rel="noreferrer">
          {t(`links.${key}`)}
        </a>
      ))}
    </nav>
  );
}

export function HouseFooter() {
  if (LINKS.every((key) => !config.links[key])) return null;
  return (
    <footer className={css.footer} data-part="footer">
      <div className={css.inner}>
        <HouseLinks />
      </div>
    </footer>
  );
}
