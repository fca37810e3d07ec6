import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/app/session';
import {
  authConfirmTotpMutation,
  authCreateTotpMutation,
  authGetMeQueryKey,
} from '@/client/@tanstack/react-query.gen';
import { CodeInput } from '@/ui/CodeInput';
import { CopyButton } from '@/ui/CopyButton';
import { SaveIcon, TickIcon } from '@/ui/icons';
import { Label } from '@/ui/Label';
import { FieldProblem, ProblemNote } from '@/ui/ProblemNote';
import { Qr } from '@/ui/Qr';
import css from './auth.module.css';

/** Enrol, confirm with a code, keep the recovery codes: shown once. */
export function Authenticator() {
  const { t } = useTranslation('auth');
  const me = useMe();
  const queries = useQueryClient();
  const [code, setCode] = useState('');
  const [recovery, setRecovery] = useState<readonly string[] | null>(null);
  const start = useMutation(authCreateTotpMutation());
  const confirm = useMutation({
    ...authConfirmTotpMutation(),
    onSuccess: (answer) => {
      setRecovery(answer.recovery_codes);
      void queries.invalidateQueries({ queryKey: authGetMeQueryKey() });
    },
    onError: () => setCode(''),
  });

  if (recovery) return <RecoveryCodes codes={recovery} onKept={() => setRecovery(null)} />;
  if (me.factors.includes('totp')) {
    return (
      <div className={css.body}>
        <p className={css.ok}>
          <TickIcon size={18} /> {t('totp.on')}
        </p>
        <p>{t('totp.onText', { count: me.recovery_codes_left })}</p>
      </div>
    );
  }
  if (!start.data) {
    return (
      <div className={css.body}>
        <p>{t('totp.why')}</p>
        {start.error && <ProblemNote error={start.error} />}
        <Button onClick={() => start.mutate({})} loading={start.isPending}>
          {t('totp.start')}
        </Button>
      </div>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    confirm.mutate({ body: { code } });
  };
  const groups = start.data.secret.match(/.{1,4}/g) ?? [];
  return (
    <div className={css.body}>
      <p>{t('totp.scan')}</p>
      <div className={css.enrol}>
        <Qr text={start.data.otpauth_uri} label={t('totp.qr')} size={188} />
        <form onSubmit={submit} noValidate>
          <div>
            <Label>{t('totp.secret')}</Label>
            <p className={css.secret} data-secret={start.data.secret}>
              {groups.map((group, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the groups never change places.
                <span key={index}>{group} </span>
              ))}
            </p>
            <CopyButton value={start.data.secret} label={t('totp.copySecret')} plain />
          </div>
          <CodeInput label={t('totp.code')} value={code} onChange={setCode} />
          {confirm.error && <FieldProblem error={confirm.error} />}
          <Button type="submit" loading={confirm.isPending}>
            {t('totp.confirm')}
          </Button>
        </form>
      </div>
    </div>
  );
}

function RecoveryCodes({ codes, onKept }: { codes: readonly string[]; onKept: () => void }) {
  const { t } = useTranslation('auth');
  const router = useRouter();
  const [kept, setKept] = useState(false);
  const [asked, setAsked] = useState(false);
  const text = `${t('recovery.file')}\n\n${codes.join('\n')}\n`;
  return (
    <div className={css.body}>
      <p>{t('recovery.why')}</p>
      <ol className={css.codes} data-recovery-codes>
        {codes.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ol>
      <div className={css.row}>
        <Button
          component="a"
          variant="default"
          leftSection={<SaveIcon size={18} />}
          href={`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`}
          download="tidegate-recovery-codes.txt"
        >
          {t('recovery.download')}
        </Button>
        <CopyButton value={codes.join('\n')} label={t('recovery.copy')} />
      </div>
      <label className={css.check}>
        <input type="checkbox" checked={kept} onChange={(event) => setKept(event.currentTarget.checked)} />
        <span>{t('recovery.kept')}</span>
      </label>
      {asked && !kept && (
        <p role="alert" className={css.note}>
          {t('recovery.tick')}
        </p>
      )}
      <Button
        onClick={() => {
          setAsked(true);
          if (!kept) return;
          onKept();
          void router.navigate({ to: '/' });
        }}
      >
        {t('recovery.done')}
      </Button>
    </div>
  );
}
