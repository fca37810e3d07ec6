import { Button, UnstyledButton } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { announce } from './announce';
import css from './CopyButton.module.css';
import { CopyIcon, TickIcon } from './icons';

interface Props {
  /** Exactly what lands in the clipboard. */
  value: string;
  label: string;
  /** A text link; else a button. */
  plain?: boolean;
  primary?: boolean;
}

/** A labelled button that yields the raw string and says that it did. */
export function CopyButton({ value, label, plain, primary }: Props) {
  const { t } = useTranslation('ui');
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = window.setTimeout(() => setState('idle'), 2500);
    return () => window.clearTimeout(timer);
  }, [state]);

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setState('copied');
      announce(t('copy.done'));
    } catch {
      setState('failed');
      announce(t('copy.failed'));
    }
  };
  const words = state === 'copied' ? t('copy.done') : state === 'failed' ? t('copy.failed') : label;
  const icon = state === 'copied' ? <TickIcon size={18} /> : <CopyIcon size={18} />;
  if (plain) {
    return (
      <UnstyledButton className={css.plain} onClick={copy}>
        {icon}
        <span>{words}</span>
      </UnstyledButton>
    );
  }
  return (
    <Button variant={primary ? 'filled' : 'default'} leftSection={icon} onClick={copy}>
      {words}
    </Button>
  );
}
