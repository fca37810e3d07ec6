import { Button } from '@mantine/core';
import { type ReactNode, useId } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './CopyButton';
import { OctagonIcon } from './icons';
import css from './ProblemNote.module.css';
import { asProblem } from './problem';
import { useProblemWords } from './problemWords';

interface Props {
  error: unknown;
  /** Asks again. */
  onRetry?: (() => void) | undefined;
  /** Another way out: a link or a button. */
  way?: ReactNode;
  /** A sentence about the money, where one is at stake. */
  money?: string | undefined;
}

/** What went wrong in the reader's words, what it means for the money, the number to quote, and the way out. */
export function ProblemNote({ error, onRetry, way, money }: Props) {
  const { t } = useTranslation('ui');
  const problem = asProblem(error);
  const words = useProblemWords()(problem);
  const id = useId();
  return (
    <section className={css.note} aria-labelledby={id} role="alert" data-code={problem.code}>
      <p className={css.title} id={id}>
        <OctagonIcon size={22} />
        {words.title}
      </p>
      <p>{words.text}</p>
      {money && <p>{money}</p>}
      {(onRetry || way) && (
        <div className={css.ways}>
          {onRetry && (
            <Button variant="default" onClick={onRetry}>
              {t('problem.again')}
            </Button>
          )}
          {way}
        </div>
      )}
      {problem.requestId && (
        <p className={css.id}>
          {t('problem.number')} <code>{problem.requestId}</code>{' '}
          <CopyButton value={problem.requestId} label={t('problem.copy')} plain />
        </p>
      )}
    </section>
  );
}

/** The same in one line, beside the field it is about. */
export function FieldProblem({ error, id }: { error: unknown; id?: string }) {
  const words = useProblemWords()(asProblem(error));
  return (
    <p className={css.field} id={id} role="alert">
      {words.title} {words.text}
    </p>
  );
}
