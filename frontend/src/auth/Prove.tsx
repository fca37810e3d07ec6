import { PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/app/session';
import { CodeInput } from '@/ui/CodeInput';

export interface Proof {
  current_password: string;
  totp_code?: string;
}

/** Password and second factor once more, for what must not be done by who finds a screen unlocked. */
export function useProof() {
  const { t } = useTranslation('settings');
  const { t: tAuth } = useTranslation('auth');
  const me = useMe();
  const enrolled = me.factors.includes('totp');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [asked, setAsked] = useState(false);
  const fields = (
    <>
      {/* A password manager reads here whose password it is. */}
      <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
      <PasswordInput
        label={t('email.password')}
        autoComplete="current-password"
        visibilityToggleButtonProps={{ 'aria-label': tAuth('signIn.showPassword') }}
        value={password}
        error={asked && !password && t('email.passwordFault')}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {enrolled && (
        <CodeInput
          label={t('email.code')}
          value={code}
          onChange={setCode}
          error={asked && code.length !== 6 ? t('email.codeFault') : undefined}
        />
      )}
    </>
  );
  return {
    fields,
    /** The proof, or null when something is missing, which is then said. */
    read: (): Proof | null => {
      setAsked(true);
      if (!password || (enrolled && code.length !== 6)) return null;
      return { current_password: password, ...(enrolled && { totp_code: code }) };
    },
    /** A code counts once. */
    forgetCode: () => {
      setCode('');
      setAsked(false);
    },
  };
}
