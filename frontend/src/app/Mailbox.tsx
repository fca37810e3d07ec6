import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { sandboxMailsOptions } from '@/client/@tanstack/react-query.gen';
import { serverNow } from '@/ui/clock';
import { exactMoment } from '@/ui/time';
import css from './Mailbox.module.css';

const ASK_MILLISECONDS = 3000;

/** What was mailed to somebody: the sandbox's mail server is a real one, and nothing leaves it. */
export function Mailbox({ email }: { email: string }) {
  const { t } = useTranslation('sandbox');
  const { data } = useQuery({
    ...sandboxMailsOptions({ query: { to: email } }),
    refetchInterval: ASK_MILLISECONDS,
  });
  return (
    <section className={css.mail} aria-labelledby="mailbox">
      <h2 id="mailbox">{t('mail.title')}</h2>
      <p>{t('mail.kept', { email })}</p>
      {data?.items.length === 0 && <p>{t('mail.none')}</p>}
      <ul>
        {data?.items.map((mail) => (
          <li key={mail.id} data-mail={mail.id}>
            <details>
              <summary>
                {mail.subject} <time dateTime={mail.at}>{exactMoment(mail.at, serverNow())}</time>
              </summary>
              <pre>{pieces(mail.text, mail.links)}</pre>
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The text, with the links to our own pages as links. */
function pieces(text: string, links: string[]) {
  let rest = text;
  const found = links.map((link) => {
    const at = rest.indexOf(link);
    const before = rest.slice(0, at);
    rest = rest.slice(at + link.length);
    return (
      <span key={link}>
        {before}
        <a href={link}>{link}</a>
      </span>
    );
  });
  return [...found, rest];
}
