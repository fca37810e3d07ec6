import { Button, PasswordInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/app/session';
import { authChangePasswordMutation, authListSessionsQueryKey } from '@/client/@tanstack/react-query.gen';
import { announce } from '@/ui/announce';
import { CodeInput } from '@/ui/CodeInput';
import { TickIcon } from '@/ui/icons';
import { FieldProblem } from '@/ui/ProblemNote';
import css from './auth.module.css';
import { PasswordLength } from './PasswordLength';
import { passwordFault } from './password';

export function ChangePassword() {
  const { t } = useTranslation('auth');
  const me = useMe();
  const enrolled = me.factors.includes('totp');
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const form = useForm({
    initialValues: { current: '', next: '', code: '' },
    validate: {
      current: (value) => (value ? null : t('password.currentFault')),
      next: (value) => {
        const fault = passwordFault(value, me.email);
        return fault && t(`password.fault.${fault}`);
      },
      code: (value) => (!enrolled || value.length === 6 ? null : t('password.codeFault')),
    },
  });
  const change = useMutation({
    ...authChangePasswordMutation(),
    onSuccess: () => {
      form.reset();
      setOpen(false);
      announce(t('password.changed'));
      void queries.invalidateQueries({ queryKey: authListSessionsQueryKey() });
    },
    onError: () => form.setFieldValue('code', ''),
  });
  if (!open) {
    return (
      <div className={css.body}>
        {change.isSuccess && (
          <p className={css.ok}>
            <TickIcon size={18} /> {t('password.changed')}
          </p>
        )}
        <p>{t('password.text')}</p>
        <Button variant="default" onClick={() => setOpen(true)}>
          {t('password.open')}
        </Button>
      </div>
    );
  }
  const show = { 'aria-label': t('signIn.showPassword') };
  return (
    <div className={css.body}>
      <form
        noValidate
        onSubmit={form.onSubmit(({ current, next, code }) =>
          change.mutate({
            body: { current_password: current, new_password: next, ...(enrolled && { totp_code: code }) },
          }),
        )}
      >
        {/* A password manager reads here whose password changes. */}
        <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
        <PasswordInput
          label={t('password.current')}
          autoComplete="current-password"
          visibilityToggleButtonProps={show}
          {...form.getInputProps('current')}
        />
        <PasswordInput
          label={t('password.next')}
          description={t('password.rule')}
          autoComplete="new-password"
          visibilityToggleButtonProps={show}
          {...form.getInputProps('next')}
        />
        <PasswordLength password={form.values.next} />
        {enrolled && (
          <CodeInput
            label={t('signIn.code')}
            value={form.values.code}
            onChange={(code) => form.setFieldValue('code', code)}
            error={form.errors.code}
          />
        )}
        {change.error && <FieldProblem error={change.error} />}
        <div className={css.row}>
          <Button type="submit" loading={change.isPending}>
            {t('password.submit')}
          </Button>
          <Button
            variant="subtle"
            onClick={() => {
              form.reset();
              change.reset();
              setOpen(false);
            }}
          >
            {t('password.keep')}
          </Button>
        </div>
      </form>
    </div>
  );
}
