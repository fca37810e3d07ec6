import { TextInput } from '@mantine/core';
import type { ReactNode, Ref } from 'react';
import css from './AmountInput.module.css';

interface Props {
  label: string;
  /** Exactly what was typed: text, never a number. */
  value: string;
  onChange: (text: string) => void;
  unit?: string | undefined;
  error?: ReactNode;
  description?: ReactNode;
  /** "Max" or the like, beside the unit. */
  extra?: ReactNode;
  disabled?: boolean;
  ref?: Ref<HTMLInputElement>;
}

/** Keeps the text as typed; `money/typed` reads it. A number input would turn 0.00000001 into 1e-8. */
export function AmountInput({
  label,
  value,
  onChange,
  unit,
  error,
  description,
  extra,
  disabled,
  ref,
}: Props) {
  return (
    <div className={css.field}>
      <TextInput
        ref={ref}
        label={label}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        error={error}
        description={description}
        disabled={disabled ?? false}
        inputMode="decimal"
        autoComplete="off"
        spellCheck={false}
        maxLength={60}
        rightSection={
          unit || extra ? (
            <span className={css.end}>
              {extra}
              {unit && <span className={css.unit}>{unit}</span>}
            </span>
          ) : undefined
        }
        rightSectionWidth={extra ? 128 : 72}
        rightSectionPointerEvents={extra ? 'all' : 'none'}
        classNames={{ input: css.input ?? '' }}
      />
    </div>
  );
}
