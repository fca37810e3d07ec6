import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { authConfirmEmailMutation } from '@/client/@tanstack/react-query.gen';
import { serverNow } from '@/ui/clock';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import { moment } from '@/ui/time';
import css from './auth.module.css';

/** Where the link of the message leads. The secret stands behind the number sign: no server's log ever has it. */
export function ConfirmEmail() {
  const { t } = useTranslation('settings');
  const [token] = useState(() => window.location.hash.slice(1));
  const confirm = useMutation({
    ...authConfirmEmailMutation(),
    // Out of the address bar and of the history: it is used.
    onSuccess: () => window.history.replaceState(window.history.state, '', window.location.pathname),
  });
  const done = confirm.data;
  if (done) {
    return (
      <div className={css.gate}>
        <div className={css.form}>
          <Heading title={t('confirm.title')} arrival="done">
            {t('confirm.done', { email: done.email })}
          </Heading>
          <p>{t('confirm.held', { time: moment(done.held_until, serverNow()) })}</p>
          <Button component={Link} to="/">
            {t('confirm.on')}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <div className={css.gate}>
      <div className={css.form}>
        <Heading title={t('confirm.title')}>{t('confirm.heading')}</Heading>
        {token ? <p>{t('confirm.text')}</p> : <p role="alert">{t('confirm.noLink')}</p>}
        {confirm.error && <ProblemNote error={confirm.error} />}
        {token && !confirm.error && (
          <Button loading={confirm.isPending} onClick={() => confirm.mutate({ body: { token } })}>
            {t('confirm.submit')}
          </Button>
        )}
      </div>
    </div>
  );
}
