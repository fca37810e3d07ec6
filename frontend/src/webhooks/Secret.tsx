import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { CopyButton } from '@/ui/CopyButton';
import { Slip } from '@/ui/Slip';
import css from './webhooks.module.css';

/** The one time that a secret is shown. */
export function Secret({ value, onDone }: { value: string; onDone: () => void }) {
  const { t } = useTranslation('webhooks');
  return (
    <Slip label={t('secret.title')}>
      <div className={css.form}>
        <h2>{t('secret.title')}</h2>
        <p>{t('secret.text')}</p>
        <p className={css.secret} data-secret>
          {value}
        </p>
        <div className={css.actions}>
          <CopyButton value={value} label={t('secret.copy')} primary />
          <Button variant="default" onClick={onDone}>
            {t('secret.done')}
          </Button>
        </div>
      </div>
    </Slip>
  );
}
