import { Button } from '@mantine/core';
import { useQueryErrorResetBoundary } from '@tanstack/react-query';
import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import { Problem } from '@/ui/problem';
import css from './failures.module.css';

/** A broken screen never takes the others with it, and never leaves the reader guessing about the money. */
export function RouteFailed({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation('app');
  const router = useRouter();
  const { reset: resetQueries } = useQueryErrorResetBoundary();
  const known = error instanceof Problem;
  const again = () => {
    resetQueries();
    reset();
    void router.invalidate();
  };
  return (
    <div className={css.failed}>
      <Heading title={t('failed.title')} arrival="failed">
        {t('failed.title')}
      </Heading>
      <ProblemNote
        error={error}
        money={t('failed.money')}
        onRetry={known ? again : undefined}
        way={
          known ? undefined : (
            <Button variant="default" onClick={() => window.location.reload()}>
              {t('failed.reload')}
            </Button>
          )
        }
      />
    </div>
  );
}

/** The same where there is no frame around it. */
export function RootFailed(props: ErrorComponentProps) {
  return (
    <main>
      <RouteFailed {...props} />
    </main>
  );
}

export function NotFound() {
  const { t } = useTranslation('app');
  return (
    <main className={css.failed}>
      <Heading title={t('notFound.title')} arrival="missing">
        {t('notFound.title')}
      </Heading>
      <p>{t('notFound.text')}</p>
      <p>
        <Link to="/">{t('notFound.home')}</Link>
      </p>
    </main>
  );
}
