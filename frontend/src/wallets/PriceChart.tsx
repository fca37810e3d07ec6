import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import css from './price.module.css';
import type { Candle } from './prices';

interface Props {
  candles: readonly Candle[];
  withTime: boolean;
  /** The whole chart in one sentence, for those who do not see it. */
  label: string;
}

/** The drawing comes after the page; where it cannot, one sentence stands in its place and everything else works. */
export function PriceChart({ candles, withTime, label }: Props) {
  const { t } = useTranslation('wallets');
  const box = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  const [failed, setFailed] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another scheme has other colours.
  useEffect(() => {
    let remove: (() => void) | undefined;
    let gone = false;
    import('./chart')
      .then(({ draw }) => {
        if (!gone && box.current) remove = draw(box.current, candles, withTime);
      })
      .catch(() => setFailed(true));
    return () => {
      gone = true;
      remove?.();
    };
  }, [candles, withTime, scheme]);
  if (failed) return <p className={css.instead}>{t('price.noChart')}</p>;
  return (
    <div className={css.frame} role="img" aria-label={label}>
      <div ref={box} className={css.chart} aria-hidden="true" data-chart />
    </div>
  );
}
