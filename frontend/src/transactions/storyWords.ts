import { useTranslation } from 'react-i18next';
import { useNames, useNumberWord } from '@/app/assets';
import { figuresText } from '@/money/figures';
import { serverNow } from '@/ui/clock';
import { exactMoment, minutesSeconds } from '@/ui/time';
import { confirmations, isOver, isRefunded, refund, sentenceKey, took, type Withdrawal } from './story';

export interface Story {
  sentence: string;
  /** What happens next, by when, and what was promised. */
  next: string;
  /** Short, for the tab. */
  title: string;
}

/** Says where the money is, what happens next, by when. */
export function useStory(): (withdrawal: Withdrawal) => Story {
  const { t, i18n } = useTranslation('transactions');
  const names = useNames();
  const word = useNumberWord();
  return (withdrawal) => {
    const { reached, needed } = confirmations(withdrawal, 1);
    const back = refund(withdrawal);
    const now = serverNow();
    const seconds = took(withdrawal);
    const values = {
      money: figuresText(withdrawal.deliver.amount, withdrawal.deliver.asset),
      debit: figuresText(withdrawal.debit.amount, withdrawal.debit.asset),
      back: figuresText(back.amount, back.asset),
      network: names.network(withdrawal.network),
      reached: word(reached),
      needed: word(needed),
      left: word(Math.max(0, needed - reached)),
      count: Math.max(0, needed - reached),
      recipient: withdrawal.label ?? t('lock.recipientLower'),
      time: withdrawal.completed_at ? exactMoment(withdrawal.completed_at, now) : '',
      took:
        seconds === null
          ? ''
          : seconds < 120
            ? t('status.seconds', { count: seconds })
            : minutesSeconds(seconds),
    };
    const key = sentenceKey(withdrawal, reached);
    const known = i18n.exists(`transactions:story.${key}.sentence`) ? key : 'other';
    const say = (part: 'sentence' | 'next') => t(`story.${known as 'queued'}.${part}`, values);
    const promise =
      withdrawal.expected_by && !isOver(withdrawal)
        ? ` ${t('status.promised', { time: exactMoment(withdrawal.expected_by, now) })}`
        : '';
    const aside =
      withdrawal.sub_status === 'slower_than_usual' || withdrawal.sub_status === 'replaced'
        ? ` ${t(`story.${withdrawal.sub_status}`)}`
        : '';
    const why = isRefunded(withdrawal) && withdrawal.detail ? ` ${withdrawal.detail}` : '';
    return {
      sentence: say('sentence'),
      next: say('next') + aside + promise + why,
      title: t('status.title', {
        money: values.money,
        state: t(`state.${withdrawal.state as 'completed'}`),
      }),
    };
  };
}
