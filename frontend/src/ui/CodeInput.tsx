import { TextInput } from '@mantine/core';
import type { ReactNode, Ref } from 'react';
import css from './CodeInput.module.css';

interface Props {
  label: string;
  value: string;
  onChange: (code: string) => void;
  error?: ReactNode;
  description?: ReactNode;
  autoFocus?: boolean;
  disabled?: boolean;
  ref?: Ref<HTMLInputElement>;
}

/** One field for six digits: pasting works, and so do password managers and screen readers. */
export function CodeInput({ label, value, onChange, error, description, autoFocus, disabled, ref }: Props) {
  return (
    <TextInput
      ref={ref}
      label={label}
      description={description}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value.replace(/\D/g, '').slice(0, 6))}
      error={error}
      disabled={disabled ?? false}
      inputMode="numeric"
      autoComplete="one-time-code"
      data-autofocus={autoFocus || undefined}
      classNames={{ input: css.code ?? '' }}
    />
  );
}
