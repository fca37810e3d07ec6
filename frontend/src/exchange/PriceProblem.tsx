import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { figuresText } from '@/money/figures';
import { ProblemNote } from '@/ui/ProblemNote';
import { asProblem, isCode } from '@/ui/problem';
import css from './convert.module.css';

interface Props {
  error: unknown;
  from: string;
  onRetry: () => void;
  /** Gives exactly this much. */
  onGive: (amount: string) => void;
}

/** Why there is no price: the limit by its figure and the way to keep it, or where the money is meanwhile. */
export function PriceProblem({ error, from, onRetry, onGive }: Props) {
  const { t } = useTranslation('exchange');
  const { limit, retry_after: soon } = asProblem(error).fields;
  if (isCode(error, 'below_minimum') && limit) {
    const money = figuresText(limit, from);
    return (
      <div className={css.limit} role="alert" data-code="below_minimum">
        <p>{t('limit.least', { money })}</p>
        <Button variant="default" onClick={() => onGive(limit)}>
          {t('limit.give', { money })}
        </Button>
      </div>
    );
  }
  if (isCode(error, 'limit_exceeded')) {
    const words = limit
      ? t('limit.most', { money: figuresText(limit, 'USD') })
      : soon
        ? t('limit.open', { count: soon })
        : t('limit.thin');
    return (
      <div className={css.limit} role="alert" data-code="limit_exceeded">
        <p>{words}</p>
        {soon && (
          <Button variant="default" onClick={onRetry}>
            {t('convert.renew')}
          </Button>
        )}
      </div>
    );
  }
  return (
    <ProblemNote
      error={error}
      money={t('convert.safe')}
      onRetry={onRetry}
      way={isCode(error, 'venue_unavailable') ? <Link to="/pay">{t('convert.pay')}</Link> : undefined}
    />
  );
}
