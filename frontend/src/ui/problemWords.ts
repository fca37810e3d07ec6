import { useTranslation } from 'react-i18next';
import type { Problem } from './problem';

export interface ProblemWords {
  title: string;
  text: string;
}

/** The words for a problem, by its code. A code we do not know yet keeps the server's own sentence. */
export function useProblemWords(): (problem: Problem) => ProblemWords {
  const { t, i18n } = useTranslation('problems');
  return (problem) => {
    const values = {
      seconds: problem.fields.retry_after ?? 5,
      limit: problem.fields.limit ?? '',
      allowed: (problem.fields.allowed ?? []).join(', '),
    };
    const known = i18n.exists(`problems:${problem.code}.title`) ? problem.code : 'unreadable';
    const words = t(known as 'unreadable', { returnObjects: true, ...values });
    return {
      title: words.title,
      text: known === problem.code ? words.text : problem.message || words.text,
    };
  };
}
