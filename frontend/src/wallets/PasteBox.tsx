import { Button } from '@mantine/core';
import { useRouter } from '@tanstack/react-router';
import { type FormEvent, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { PasteIcon } from '@/ui/icons';
import css from './home.module.css';

/** The shortest way to pay: paste, and go. What was pasted travels in memory, never in the address bar. */
export function PasteBox() {
  const { t } = useTranslation('wallets');
  const router = useRouter();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const go = (pasted: string) => void router.navigate({ to: '/pay', state: { pasted: pasted.trim() } });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    go(text);
  };
  const paste = async () => {
    try {
      const found = await navigator.clipboard.readText();
      if (found.trim()) setText(found.trim());
    } catch {
      // The browser said no: the field and the keyboard still work.
    }
    field.current?.focus();
  };
  return (
    <form className={css.paste} onSubmit={submit}>
      <label htmlFor={id}>{t('paste.label')}</label>
      <div className={css.pasteRow}>
        <div className={css.pasteField}>
          <input
            id={id}
            ref={field}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            placeholder={t('paste.placeholder')}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            maxLength={2048}
          />
          <button type="button" onClick={() => void paste()}>
            <PasteIcon />
            {t('paste.paste')}
          </button>
        </div>
        <Button type="submit" className={css.go ?? ''}>
          {t('paste.go')}
        </Button>
      </div>
    </form>
  );
}
