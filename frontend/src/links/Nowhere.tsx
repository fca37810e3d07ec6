import { useTranslation } from 'react-i18next';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import { isCode } from '@/ui/problem';
import { Bars } from '@/ui/Waiting';
import css from './links.module.css';

interface Props {
  token: string;
  error: unknown;
  title: string;
  onRetry: () => void;
}

/** While nothing is known of a link: it is looked at, it is not whole, it leads nowhere, or nobody answered. */
export function Nowhere({ token, error, title, onRetry }: Props) {
  const { t } = useTranslation('links');
  const gone = isCode(error, 'not_found') || isCode(error, 'invalid_request');
  const heading = !token ? t('missing') : gone ? t('gone') : t('looking');
  // What comes next is still the very first page, where the focus stays with the browser.
  const looking = token !== '' && !gone;
  return (
    <div className={css.page}>
      <Heading title={title} quiet={looking}>
        {heading}
      </Heading>
      {!token ? (
        <p className={css.lead}>{t('missingText')}</p>
      ) : gone ? (
        <p className={css.lead}>{t('goneText')}</p>
      ) : error ? (
        <ProblemNote error={error} onRetry={onRetry} />
      ) : (
        <Bars rows={4} />
      )}
    </div>
  );
}
