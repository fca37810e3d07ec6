import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isSandbox } from '@/app/config';
import { DemoCodes, type DemoUser } from '@/app/DemoCodes';
import { rememberVisit } from '@/app/visit';
import { authGetMeQueryKey, authLoginMutation } from '@/client/@tanstack/react-query.gen';
import { CodeInput } from '@/ui/CodeInput';
import { Heading } from '@/ui/Heading';
import { FieldProblem } from '@/ui/ProblemNote';
import { isCode } from '@/ui/problem';
import { Slip } from '@/ui/Slip';
import css from './auth.module.css';

const route = getRouteApi('/outside/sign-in');

/** Password first; the code is asked for when the account has a second factor. */
export function SignIn() {
  const { t } = useTranslation('auth');
  const { next, because } = route.useSearch();
  const router = useRouter();
  const queries = useQueryClient();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [step, setStep] = useState<'password' | 'code' | 'recovery'>('password');
  const codeField = useRef<HTMLInputElement>(null);
  const login = useMutation({
    ...authLoginMutation(),
    onSuccess: ({ user }) => {
      rememberVisit();
      queries.setQueryData(authGetMeQueryKey(), user);
      router.history.push(next ?? '/');
    },
    onError: (error) => {
      if (isCode(error, 'mfa_required')) {
        setStep('code');
        login.reset();
      } else {
        setCode('');
        codeField.current?.focus();
      }
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate({
      body: { email: email.trim(), password, ...(step !== 'password' && { totp_code: code.trim() }) },
    });
  };
  const again = () => {
    setStep('password');
    setCode('');
    login.reset();
  };
  const useDemo = (user: DemoUser) => {
    setEmail(user.email);
    setPassword(user.password);
    if (step === 'code' && user.email === email) setCode(user.code);
    else again();
  };

  return (
    <div className={css.gate} data-two={isSandbox || undefined}>
      <form className={css.form} onSubmit={submit} noValidate>
        <Heading title={t('signIn.title')} arrival={step}>
          {step === 'password' ? t('signIn.title') : t('signIn.codeTitle')}
        </Heading>
        {because && step === 'password' && <p className={css.lead}>{t(`signIn.because.${because}`)}</p>}
        {step === 'password' ? (
          <>
            <TextInput
              label={t('signIn.email')}
              type="email"
              name="email"
              autoComplete="username"
              required
              withAsterisk={false}
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <PasswordInput
              label={t('signIn.password')}
              name="password"
              autoComplete="current-password"
              required
              withAsterisk={false}
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
            />
          </>
        ) : (
          <>
            <p className={css.lead}>
              {t(step === 'code' ? 'signIn.codeLead' : 'signIn.recoveryLead', { email })}
            </p>
            {step === 'code' ? (
              <CodeInput ref={codeField} label={t('signIn.code')} value={code} onChange={setCode} />
            ) : (
              <TextInput
                ref={codeField}
                label={t('signIn.recovery')}
                value={code}
                autoComplete="off"
                spellCheck={false}
                onChange={(event) => setCode(event.currentTarget.value)}
              />
            )}
          </>
        )}
        {login.error && <FieldProblem error={login.error} />}
        <Button type="submit" loading={login.isPending} fullWidth>
          {t('signIn.submit')}
        </Button>
        {step === 'password' ? (
          <p className={css.note}>
            {t('signIn.noAccount')} <Link to="/register">{t('signIn.register')}</Link>
          </p>
        ) : (
          <div className={css.links}>
            <button
              type="button"
              className={css.link}
              onClick={() => {
                setStep(step === 'code' ? 'recovery' : 'code');
                setCode('');
                login.reset();
              }}
            >
              {t(step === 'code' ? 'signIn.useRecovery' : 'signIn.useCode')}
            </button>
            <button type="button" className={css.link} onClick={again}>
              {t('signIn.back')}
            </button>
          </div>
        )}
      </form>
      {isSandbox && (
        <Slip>
          <DemoCodes
            heading={t('signIn.demo')}
            only={step === 'code' ? email : undefined}
            action={{ word: t(step === 'code' ? 'signIn.demoCode' : 'signIn.demoUse'), run: useDemo }}
          />
          <p className={css.note}>{t('signIn.demoNote')}</p>
        </Slip>
      )}
    </div>
  );
}
