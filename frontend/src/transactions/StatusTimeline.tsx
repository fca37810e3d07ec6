import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import { figuresText } from '@/money/figures';
import { ShortId } from '@/ui/Address';
import { serverNow } from '@/ui/clock';
import { type Mark, Timeline } from '@/ui/Timeline';
import { exactMoment } from '@/ui/time';
import { converted } from './quotes';
import { liveAttempt, type StepOfStory, steps, type Withdrawal } from './story';

/** What happened, what is happening, what will; replaced attempts stay, struck out by a word. */
export function StatusTimeline({ withdrawal }: { withdrawal: Withdrawal }) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const now = serverNow();
  const network = names.network(withdrawal.network);
  const live = liveAttempt(withdrawal);
  const others = withdrawal.attempts.filter((attempt) => attempt !== live && attempt.txid);

  const detail = (step: StepOfStory) => {
    switch (step.key) {
      case 'confirmed':
        return step.state === 'past' ? t('timeline.byCode') : t('timeline.yourCode');
      case 'converted':
        return t('timeline.became', {
          from: figuresText(converted(withdrawal), withdrawal.debit.asset, 'full'),
          to: figuresText(withdrawal.deliver.amount, withdrawal.deliver.asset),
        });
      case 'checked':
        return step.state === 'past' ? t('timeline.noReview') : null;
      case 'sent':
        return <Transaction attempt={live} waiting={step.state === 'now' ? withdrawal.sub_status : null} />;
      case 'confirming':
        return live?.block_height && step.state !== 'later'
          ? t('timeline.inBlock', {
              count: Math.min(live.confirmations, live.confirmations_required),
              needed: live.confirmations_required,
              block: live.block_height.toString(),
            })
          : null;
      case 'ended':
        return withdrawal.detail;
      default:
        return null;
    }
  };
  const time = (step: StepOfStory): string | undefined => {
    if (step.key === 'final' && step.state !== 'past') {
      return withdrawal.expected_by
        ? t('timeline.by', { time: exactMoment(withdrawal.expected_by, now) })
        : undefined;
    }
    if (!step.at || step.state === 'later') return undefined;
    const said = exactMoment(step.at, now);
    return step.state === 'now' ? t('timeline.since', { time: said }) : said;
  };
  const name = (step: StepOfStory): string =>
    step.key === 'ended'
      ? t(`state.${withdrawal.state as 'cancelled'}`)
      : step.key === 'sent'
        ? t(step.state === 'past' ? 'timeline.sent' : 'timeline.sending', { network })
        : t(`timeline.${step.key}`);

  const marks = steps(withdrawal).flatMap((step): Mark[] => {
    const mark: Mark = {
      key: step.key,
      state: step.state,
      name: name(step),
      detail: detail(step),
      time: time(step),
    };
    if (step.key !== 'sent') return [mark];
    const old = others.map(
      (attempt): Mark => ({
        key: attempt.id,
        state: 'ended',
        name: t('timeline.replaced'),
        detail: attempt.txid && <ShortId id={attempt.txid} />,
        time: attempt.sent_at ? exactMoment(attempt.sent_at, now) : undefined,
      }),
    );
    return [...old, mark];
  });
  return <Timeline marks={marks} label={t('timeline.label')} />;
}

interface TransactionProps {
  attempt: ReturnType<typeof liveAttempt>;
  waiting: string | null;
}

function Transaction({ attempt, waiting }: TransactionProps) {
  const { t, i18n } = useTranslation('transactions');
  if (waiting && i18n.exists(`transactions:timeline.waiting.${waiting}`)) {
    return t(`timeline.waiting.${waiting as 'awaiting_signer'}`);
  }
  if (!attempt?.txid) return null;
  return (
    <span data-txid={attempt.txid}>
      {t('timeline.transaction')} <ShortId id={attempt.txid} />{' '}
      {attempt.explorer_url && (
        <a href={attempt.explorer_url} target="_blank" rel="noreferrer">
          {t('timeline.explorer')}
        </a>
      )}
    </span>
  );
}
