import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/app/session';
import { Heading } from '@/ui/Heading';
import { Approvals } from './Approvals';
import { Books } from './Books';
import { Moves } from './Moves';
import css from './ops.module.css';
import { Pauses } from './Pauses';

const SEEN = ['compliance.approve', 'ops.pause', 'ops.treasury', 'audit.books'] as const;

/** What an operator must know first, as far as their role may see it. */
export function Overview() {
  const { t } = useTranslation('ops');
  const may = new Set<string>(useMe().permissions);
  return (
    <div className={css.page}>
      <Heading title={t('title')}>
        {t(SEEN.some((one) => may.has(one)) ? 'heading' : 'nothing.title')}
      </Heading>
      {!SEEN.some((one) => may.has(one)) && (
        <p>
          {t('nothing.text')} <Link to="/">{t('nothing.home')}</Link>
        </p>
      )}
      {may.has('compliance.approve') && <Approvals />}
      {may.has('ops.pause') && <Pauses />}
      {may.has('ops.treasury') && <Moves />}
      {may.has('audit.books') && <Books />}
    </div>
  );
}
