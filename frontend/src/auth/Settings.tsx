import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { config } from '@/app/config';
import { speak } from '@/app/i18n';
import { languageName, languageOf } from '@/app/language';
import { useMe } from '@/app/session';
import { authGetMeQueryKey, authUpdateMeMutation } from '@/client/@tanstack/react-query.gen';
import { announce } from '@/ui/announce';
import { Heading } from '@/ui/Heading';
import { FieldProblem } from '@/ui/ProblemNote';
import { longDay } from '@/ui/time';
import css from './auth.module.css';
import { ChangeEmail } from './ChangeEmail';
import { CloseAccount } from './CloseAccount';

/** Saves one thing of the account and says so; what it became is what the server answers. */
function useSave() {
  const { t } = useTranslation('settings');
  const queries = useQueryClient();
  return useMutation({
    ...authUpdateMeMutation(),
    onSuccess: (me) => {
      queries.setQueryData(authGetMeQueryKey(), me);
      announce(t('saved'));
    },
  });
}

export function Settings() {
  const { t } = useTranslation('settings');
  return (
    <div className={css.page} data-part="settings">
      <div>
        <Heading title={t('title')}>{t('heading')}</Heading>
      </div>
      <section className={css.section} aria-labelledby="profile">
        <h2 id="profile">{t('profile.title')}</h2>
        <Profile />
      </section>
      <section className={css.section} aria-labelledby="reading">
        <h2 id="reading">{t('reading.title')}</h2>
        <Reading />
      </section>
      <section className={css.section} aria-labelledby="notices">
        <h2 id="notices">{t('notices.title')}</h2>
        <Notices />
      </section>
      <section className={css.section} aria-labelledby="email">
        <h2 id="email">{t('email.title')}</h2>
        <ChangeEmail />
      </section>
      <section className={css.section} aria-labelledby="signed-in">
        <h2 id="signed-in">{t('sessions.title')}</h2>
        <div className={css.body}>
          <p>{t('sessions.text')}</p>
          <Button component={Link} to="/security" hash="sessions" variant="default">
            {t('sessions.open')}
          </Button>
        </div>
      </section>
      <section className={css.section} aria-labelledby="data">
        <h2 id="data">{t('data.title')}</h2>
        <div className={css.body}>
          <p>{t('data.text')}</p>
          <Button component="a" href={`${config.api}/account/data`} download variant="default">
            {t('data.get')}
          </Button>
        </div>
      </section>
      <section className={css.section} aria-labelledby="close">
        <h2 id="close">{t('close.title')}</h2>
        <CloseAccount />
      </section>
    </div>
  );
}

function Profile() {
  const { t } = useTranslation('settings');
  const me = useMe();
  const save = useSave();
  const [name, setName] = useState(me.name ?? '');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ body: { name: name.trim() || null } });
  };
  return (
    <div className={css.body}>
      <form onSubmit={submit} noValidate>
        <TextInput
          label={t('profile.name')}
          description={t('profile.nameNote')}
          autoComplete="name"
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        {save.error && <FieldProblem error={save.error} />}
        <div className={css.row}>
          <Button type="submit" variant="default" loading={save.isPending}>
            {t('profile.save')}
          </Button>
          {save.isSuccess && <span className={css.ok}>{t('saved')}</span>}
        </div>
      </form>
      <p className={css.note}>{t('profile.since', { day: longDay(me.created_at) })}</p>
    </div>
  );
}

function Reading() {
  const { t, i18n } = useTranslation('settings');
  const me = useMe();
  const save = useSave();
  const choose = (language: string) => {
    void speak(language);
    save.mutate({ body: { language } });
  };
  return (
    <div className={css.body}>
      <div className={css.wide}>
        <NativeSelect
          label={t('reading.language')}
          value={languageOf(i18n.language).tag}
          data={config.languages.map((one) => ({ value: one.tag, label: languageName(one) }))}
          onChange={(event) => choose(event.currentTarget.value)}
        />
        <NativeSelect
          label={t('reading.currency')}
          description={t('reading.currencyNote')}
          value={me.currency}
          data={[...config.currencies]}
          onChange={(event) => save.mutate({ body: { currency: event.currentTarget.value } })}
        />
        {save.error && <FieldProblem error={save.error} />}
      </div>
    </div>
  );
}

const KINDS = ['deposits', 'withdrawals', 'conversions', 'sign_ins'] as const;

function Notices() {
  const { t } = useTranslation('settings');
  const me = useMe();
  const save = useSave();
  // As it will be once it is saved; as it is again when it could not be.
  const wished = save.isPending ? save.variables.body.notices : null;
  return (
    <div className={css.body}>
      <fieldset className={css.choices}>
        <legend>{t('notices.legend')}</legend>
        {KINDS.map((kind) => (
          <label key={kind}>
            <input
              type="checkbox"
              checked={wished?.[kind] ?? me.notices[kind]}
              onChange={(event) =>
                save.mutate({ body: { notices: { [kind]: event.currentTarget.checked } } })
              }
            />
            {t(`notices.${kind}`)}
          </label>
        ))}
      </fieldset>
      {save.error && <FieldProblem error={save.error} />}
      <p className={css.note}>{t('notices.always')}</p>
    </div>
  );
}
