import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { announce } from '@/ui/announce';
import { POLL_SECONDS, useLive } from './live';
import css from './shell.module.css';

/** Live, or how we know. */
export function LiveDot() {
  const { t } = useTranslation('app');
  const live = useLive();
  const before = useRef(live);
  useEffect(() => {
    if (before.current === 'live' && live === 'polling') announce(t('live.gone', { seconds: POLL_SECONDS }));
    if (before.current === 'polling' && live === 'live') announce(t('live.back'));
    before.current = live;
  }, [live, t]);
  return (
    <span
      className={css.live}
      data-live={live}
      title={live === 'polling' ? t('live.gone', { seconds: POLL_SECONDS }) : undefined}
    >
      {t(`live.${live}`, { seconds: POLL_SECONDS })}
    </span>
  );
}
