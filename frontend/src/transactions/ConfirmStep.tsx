import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { withdrawalsCancelMutation } from '@/client/@tanstack/react-query.gen';
import { figuresText } from '@/money/figures';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import { isCode } from '@/ui/problem';
import { ConfirmForm } from './ConfirmForm';
import { changeDraft, clearDraft, useDraft } from './draft';
import css from './pay.module.css';

/** Step 4: the second factor over exactly this. */
export function ConfirmStep({ onGone }: { onGone: () => void }) {
  const { t } = useTranslation('transactions');
  const router = useRouter();
  const { withdrawal, owner } = useDraft();
  const forget = () => {
    changeDraft({ review: null, withdrawal: null });
    onGone();
  };
  const cancel = useMutation({
    ...withdrawalsCancelMutation(),
    onSuccess: forget,
    onError: (error) => {
      // Too late to cancel, or already over: its own page knows better.
      if (isCode(error, 'cannot_cancel', 'conflict') && withdrawal) {
        void router.navigate({ to: '/withdrawals/$id', params: { id: withdrawal.id } });
      }
    },
  });
  useEffect(() => {
    // Confirmed elsewhere, or over: the status page takes it from here.
    if (withdrawal && withdrawal.state !== 'pending_verification') {
      void router.navigate({ to: '/withdrawals/$id', params: { id: withdrawal.id }, replace: true });
    }
  }, [withdrawal, router]);
  if (!withdrawal) return null;
  return (
    <div className={css.main} data-confirm>
      <Heading title={t('pay.title')} arrival="confirm">
        {t('confirm.heading', { money: figuresText(withdrawal.deliver.amount, withdrawal.deliver.asset) })}
      </Heading>
      <ConfirmForm
        withdrawal={withdrawal}
        onDone={(done) => {
          void router
            .navigate({ to: '/withdrawals/$id', params: { id: done.id }, replace: true })
            .then(() => clearDraft(owner));
        }}
        onOver={forget}
      />
      {cancel.error && <ProblemNote error={cancel.error} />}
      <div>
        <Button
          variant="subtle"
          loading={cancel.isPending}
          onClick={() => cancel.mutate({ path: { withdrawal_id: withdrawal.id } })}
        >
          {t('confirm.cancel')}
        </Button>
      </div>
    </div>
  );
}
