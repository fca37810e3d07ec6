import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { isSandbox } from '@/app/config';
import { DemoCodes } from '@/app/DemoCodes';
import { useMe } from '@/app/session';
import { beneficiariesConfirm } from '@/client/sdk.gen';
import { announce } from '@/ui/announce';
import { serverNow } from '@/ui/clock';
import { useOnce } from '@/ui/once';
import { isCode, isUnknownOutcome } from '@/ui/problem';
import { StepUp } from '@/ui/StepUp';
import { moment } from '@/ui/time';
import type { Saved } from './AddressRow';
import css from './addresses.module.css';

interface Props {
  item: Saved;
  onLater: () => void;
  onDone: () => Promise<void>;
}

/** The second factor over exactly this address. */
export function ConfirmAddress({ item, onLater, onDone }: Props) {
  const { t } = useTranslation('addresses');
  const me = useMe();
  const once = useOnce();
  const confirm = useMutation({
    mutationFn: async (digits: string) =>
      (
        await beneficiariesConfirm({
          path: { beneficiary_id: item.id },
          body: { method: 'totp', code: digits },
          throwOnError: true,
        })
      ).data,
    onSettled: once.end,
    onSuccess: async (done) => {
      announce(
        done.available_at
          ? t('confirm.cooling', { label: item.label, time: moment(done.available_at, serverNow()) })
          : t('confirm.done', { label: item.label }),
      );
      await onDone();
    },
    onError: (error) => {
      // Perhaps it was confirmed and nobody said so: the list knows.
      if (isUnknownOutcome(error) || isCode(error, 'conflict')) void onDone();
    },
  });
  return (
    <div className={css.form}>
      <p>{t('confirm.text')}</p>
      <StepUp
        eager
        about={t('confirm.codeNote')}
        act={t('confirm.submit')}
        pending={confirm.isPending}
        error={confirm.error}
        onCode={(code) => once.begin() && confirm.mutate(code)}
        way={
          <Button variant="subtle" onClick={onLater}>
            {t('confirm.later')}
          </Button>
        }
        beside={(use) =>
          isSandbox && (
            <DemoCodes
              heading={t('confirm.demo')}
              only={me.email}
              action={{ word: t('confirm.useCode'), run: (user) => use(user.code) }}
            />
          )
        }
      />
    </div>
  );
}
