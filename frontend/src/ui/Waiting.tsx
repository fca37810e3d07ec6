import { VisuallyHidden } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import css from './Waiting.module.css';

/** Still grey bars where the data will stand: nothing shimmers, and no figure is shown before it is known. */
export function Bars({ rows, height = 48 }: { rows: number; height?: number }) {
  const { t } = useTranslation('ui');
  return (
    <div className={css.bars} aria-busy="true">
      <VisuallyHidden>{t('loading')}</VisuallyHidden>
      {Array.from({ length: rows }, (_, index) => index).map((row) => (
        <div key={row} className={css.row} style={{ height }}>
          <span style={{ width: `${46 - (row % 3) * 8}%` }} />
          <span style={{ width: `${18 + (row % 2) * 6}%` }} />
        </div>
      ))}
    </div>
  );
}

export function Bar({ width, height = 20 }: { width: number | string; height?: number }) {
  return <span className={css.bar} style={{ width, height }} aria-hidden="true" />;
}

/** An empty basin, one sentence, one action. */
export function Empty({ sentence, children }: { sentence: string; children?: React.ReactNode }) {
  return (
    <div className={css.empty}>
      <div className={css.basin} aria-hidden="true" />
      <p>{sentence}</p>
      {children}
    </div>
  );
}
