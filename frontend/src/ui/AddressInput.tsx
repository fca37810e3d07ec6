import { Textarea } from '@mantine/core';
import type { ReactNode, Ref } from 'react';
import { useTranslation } from 'react-i18next';
import css from './AddressInput.module.css';

interface Props {
  label: string;
  /** As typed or pasted; what the server says of it stands beside the field. */
  value: string;
  onChange: (text: string) => void;
  description?: ReactNode;
  error?: ReactNode;
  /** How many characters that nobody sees were left out of what was pasted. */
  removed?: number;
  ref?: Ref<HTMLTextAreaElement>;
}

/** Takes an address, a payment link or an invoice as it was copied, however it was broken into lines. */
export function AddressInput({ label, value, onChange, description, error, removed = 0, ref }: Props) {
  const { t } = useTranslation('ui');
  return (
    <>
      <Textarea
        ref={ref}
        label={label}
        description={description}
        placeholder={t('addressInput.placeholder')}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        autosize
        minRows={2}
        maxRows={5}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        maxLength={2048}
        error={error}
      />
      {removed > 0 && <p className={css.removed}>{t('addressInput.removed', { count: removed })}</p>}
    </>
  );
}
