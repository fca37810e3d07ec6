import { useTranslation } from 'react-i18next';
import { useNames, useNumberWord } from '@/app/assets';
import type { DepositsGetResponse } from '@/client/types.gen';
import { figuresText } from '@/money/figures';

const COMING = new Set(['detected', 'confirming', 'reorged', 'screening', 'held']);

/** Still on its way, or stopped where somebody has to look. */
export function isComing(deposit: Pick<DepositsGetResponse, 'state'>): boolean {
  return COMING.has(deposit.state);
}

/** Where the money is, in one sentence, and how deep. */
export function useDepositWords(): (deposit: DepositsGetResponse) => { sentence: string; depth: string } {
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
      sentence: t(`depositState.${deposit.state}`, values),
      depth: t('coming.depth', { count: reached, needed: deposit.confirmations_required }),
    };
  };
}
