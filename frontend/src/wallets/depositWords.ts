import { useTranslation } from 'react-i18next';
import { useNames, useNumberWord } from '@/app/assets';
import type { DepositsGetResponse } from '@/client/types.gen';
import { figuresText } from '@/money/figures';
import { isUnknown, nextOf, storyOf } from './depositStory';

const COMING = new Set(['detected', 'confirming', 'reorged', 'screening', 'held']);

/** Still on its way, or stopped where somebody has to look. */
export function isComing(deposit: Pick<DepositsGetResponse, 'state' | 'contract'>): boolean {
  return COMING.has(deposit.state) && !isUnknown(deposit);
}

interface Words {
  sentence: string;
  next: string;
  depth: string;
}

/** Where the money is, in one sentence, what happens next, and how deep. */
export function useDepositWords(): (deposit: DepositsGetResponse) => Words {
  const { t } = useTranslation('wallets');
  const names = useNames();
  const word = useNumberWord();
  return (deposit) => {
    const reached = Math.min(deposit.confirmations, deposit.confirmations_required);
    const values = {
      money: figuresText(deposit.amount, deposit.asset),
      network: names.network(deposit.network),
      reached: word(reached),
      needed: word(deposit.confirmations_required),
    };
    return {
      sentence: t(`depositState.${storyOf(deposit)}`, values),
      next: t(`depositNext.${nextOf(deposit)}`, values),
      depth: t('coming.depth', { count: reached, needed: deposit.confirmations_required }),
    };
  };
}
