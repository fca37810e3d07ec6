import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { transfersCancelMutation } from '@/client/@tanstack/react-query.gen';
import { figuresText } from '@/money/figures';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import { isCode } from '@/ui/problem';
import { changeDraft, clearDraft, useDraft } from './draft';
import css from './pay.module.css';
import { TransferConfirm } from './TransferConfirm';

/** The last step to another user here: every detail, and the second factor over exactly this. */
export function TransferStep({ onGone }: { onGone: () => void }) {
  const { t } = useTranslation('transactions');
  const router = useRouter();
  const { transfer, owner } = useDraft();
  const show = (id: string) =>
    router.navigate({ to: '/transfers/$id', params: { id }, replace: true }).then(() => clearDraft(owner));
  const forget = () => {
    changeDraft({ transfer: null });
    onGone();
  };
  const cancel = useMutation({
    ...transfersCancelMutation(),
    onSuccess: forget,
    onError: (error) => {
      // Too late to cancel, or already over: its own page knows better.
      if (isCode(error, 'cannot_cancel', 'conflict') && transfer) void show(transfer.id);
    },
  });
  if (!transfer) return null;
  return (
    <div className={css.main} data-confirm>
      <Heading title={t('pay.title')} arrival="confirm">
        {t('confirm.heading', { money: figuresText(transfer.amount, transfer.asset) })}
      </Heading>
      <TransferConfirm transfer={transfer} onDone={(done) => void show(done.id)} onOver={forget} />
      {cancel.error && <ProblemNote error={cancel.error} />}
      <div>
        <Button
          variant="subtle"
          loading={cancel.isPending}
          onClick={() => cancel.mutate({ path: { transfer_id: transfer.id } })}
        >
          {t('confirm.cancel')}
        </Button>
      </div>
    </div>
  );
}
