import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { isSandbox } from '@/app/config';
import { rememberVisit } from '@/app/visit';
import {
  authGetMeQueryKey,
  authLoginMutation,
  authRegisterMutation,
} from '@/client/@tanstack/react-query.gen';
import { Heading } from '@/ui/Heading';
import { FieldProblem } from '@/ui/ProblemNote';
import css from './auth.module.css';
import { PasswordLength } from './PasswordLength';
import { MOST, passwordFault } from './password';

/** In the sandbox the account is there at once; elsewhere a mail has to be confirmed, and the answer says no more. */
export function Register() {
  const { t } = useTranslation('auth');
  const router = useRouter();
  const queries = useQueryClient();
  const login = useMutation({
    ...authLoginMutation(),
    onSuccess: ({ user }) => {
      rememberVisit();
      queries.setQueryData(authGetMeQueryKey(), user);
      void router.navigate({ to: '/security' });
    },
  });
  const register = useMutation({
    ...authRegisterMutation(),
    onSuccess: (_, { body }) => {
      if (isSandbox) login.mutate({ body: { email: body.email, password: body.password } });
    },
  });
  const form = useForm({
    initialValues: { email: '', password: '' },
    validate: {
      email: (value) => (/^\S+@\S+$/.test(value.trim()) ? null : t('register.emailFault')),
      password: (value, { email }) => {
        const fault = passwordFault(value, email);
        return fault && t(`password.fault.${fault}`);
      },
    },
  });
  if (register.isSuccess && !isSandbox) {
    return (
      <div className={css.gate}>
        <div className={css.form}>
          <Heading title={t('register.sentTitle')} arrival="sent">
            {t('register.sentTitle')}
          </Heading>
          <p className={css.lead}>{t('register.sent', { email: form.values.email })}</p>
        </div>
      </div>
    );
  }
  return (
    <div className={css.gate}>
      <form
        className={css.form}
        noValidate
        onSubmit={form.onSubmit(
          ({ email, password }) => register.mutate({ body: { email: email.trim(), password } }),
          (errors) => form.getInputNode(Object.keys(errors)[0] ?? '')?.focus(),
        )}
      >
        <Heading title={t('register.title')}>{t('register.title')}</Heading>
        <p className={css.lead}>{t('register.lead')}</p>
        <TextInput
          label={t('signIn.email')}
          type="email"
          autoComplete="username"
          key={form.key('email')}
          {...form.getInputProps('email')}
        />
        <PasswordInput
          label={t('register.password')}
          description={t('password.rule')}
          autoComplete="new-password"
          maxLength={MOST * 2}
          visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
          key={form.key('password')}
          {...form.getInputProps('password')}
        />
        <PasswordLength password={form.values.password} />
        {(register.error ?? login.error) && <FieldProblem error={register.error ?? login.error} />}
        <Button type="submit" loading={register.isPending || login.isPending} fullWidth>
          {t('register.submit')}
        </Button>
        <p className={css.note}>
          {t('register.have')} <Link to="/sign-in">{t('signIn.submit')}</Link>
        </p>
      </form>
    </div>
  );
}
