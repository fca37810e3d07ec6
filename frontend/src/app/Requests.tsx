import { useRouterState } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from '@/ui/CopyButton';
import { curl, tokenLine, useAsked } from './asked';
import css from './Requests.module.css';
import { useMe } from './session';

/** The requests behind the screen that is open, each as a line for a shell. Only in a sandbox. */
export function Requests() {
  const { t } = useTranslation('tour');
  const me = useMe();
  const [open, setOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const asked = useAsked().filter(({ url }) => url.includes('/api/v1/') && !url.includes('/sandbox/'));
  const lines = asked.map(curl);
  const token = tokenLine(`${window.location.origin}/api/v1`, me.email);
  return (
    <section aria-label={t('requests.title')}>
      <details className={css.requests} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{t('requests.title')}</summary>
        {open && (
          <div className={css.body}>
            <p>{t('requests.token')}</p>
            <Line text={token} label={t('requests.copyToken')} />
            <p>{lines.length ? t('requests.lead', { path }) : t('requests.none')}</p>
            {lines.map((line, index) => (
              <Line key={line} text={line} label={t('requests.copy', { number: index + 1 })} />
            ))}
          </div>
        )}
      </details>
    </section>
  );
}

function Line({ text, label }: { text: string; label: string }) {
  return (
    <div className={css.line}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a line that scrolls is scrolled by the keyboard too. */}
      <code tabIndex={0} dir="ltr">
        {text}
      </code>
      <CopyButton value={text} label={label} plain />
    </div>
  );
}
