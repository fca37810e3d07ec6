import { useTranslation } from 'react-i18next';
import { FieldProblem } from '@/ui/ProblemNote';
import { asProblem, isCode } from '@/ui/problem';
import css from './deposit.module.css';

/** Why there is no further address: enough wait unused, or something else. */
export function NoMore({ error }: { error: unknown }) {
  const { t } = useTranslation('wallets');
  if (!isCode(error, 'limit_exceeded')) return <FieldProblem error={error} />;
  return (
    <p className={css.reason} role="alert">
      {t('deposit.enough', { limit: asProblem(error).fields.limit ?? '' })}
    </p>
  );
}
