import { Button } from '@mantine/core';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CodeInput } from './CodeInput';
import { FieldProblem } from './ProblemNote';
import css from './StepUp.module.css';

interface Props {
  /** What the code counts for: exactly this, and nothing else. */
  about: string;
  /** The act by its name: "Send 5.00 USDT". */
  act: string;
  pending: boolean;
  /** Why the last code did not do. The field is emptied and has the focus again. */
  error: unknown;
  onCode: (code: string) => void;
  /** Takes the focus at once: the form was asked for by a button elsewhere. */
  eager?: boolean;
  /** Between the field and the act: the time left, what cannot be undone. */
  children?: ReactNode;
  /** Another way out, after the act. */
  way?: ReactNode;
  /** Beside the form; it may put a code into the field. */
  beside?: (use: (code: string) => void) => ReactNode;
}

const DIGITS = 6;

/** The second factor over one act, which stands above it in full. */
export function StepUp({ about, act, pending, error, onCode, eager, children, way, beside }: Props) {
  const { t } = useTranslation('ui');
  const field = useRef<HTMLInputElement>(null);
  const [code, setCode] = useState('');
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (eager) field.current?.focus();
  }, [eager]);
  useEffect(() => {
    if (!error) return;
    setCode('');
    field.current?.focus();
  }, [error]);
  const short = code.length !== DIGITS;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (short) field.current?.focus();
    else onCode(code);
  };
  return (
    <div className={css.stepUp}>
      <form onSubmit={submit} noValidate className={css.form}>
        <CodeInput
          ref={field}
          label={t('stepUp.code')}
          description={about}
          value={code}
          onChange={setCode}
          error={asked && code.length > 0 && short ? t('stepUp.sixDigits') : undefined}
        />
        {Boolean(error) && <FieldProblem error={error} />}
        {children}
        <div className={css.acts}>
          <Button type="submit" loading={pending}>
            {act}
          </Button>
          {way}
        </div>
      </form>
      {beside?.(setCode)}
    </div>
  );
}
