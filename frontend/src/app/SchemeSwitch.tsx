import { useMantineColorScheme } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import css from './shell.module.css';

/** System, light or dark. */
export function SchemeSwitch() {
  const { t } = useTranslation('app');
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <label className={css.scheme}>
      <span>{t('scheme.label')}</span>
      <select
        value={colorScheme}
        onChange={(event) => setColorScheme(event.currentTarget.value as 'auto' | 'light' | 'dark')}
      >
        <option value="auto">{t('scheme.auto')}</option>
        <option value="light">{t('scheme.light')}</option>
        <option value="dark">{t('scheme.dark')}</option>
      </select>
    </label>
  );
}
