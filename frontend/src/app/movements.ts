import { useTranslation } from 'react-i18next';
import type { TransactionsListResponse } from '@/client/types.gen';
import { figuresText } from '@/money/figures';
import type { Standing } from '@/ui/StatusBadge';
import { useNames } from './assets';

export type Movement = TransactionsListResponse['items'][number];

const DONE = new Set(['completed', 'credited']);
const OVER = new Set(['cancelled', 'rejected', 'expired', 'failed', 'below_minimum', 'unknown_asset']);
const LOOK = new Set(['you', 'person', 'operator']);

/** How a thing stands, whatever it is: done, moving, waiting for somebody, or over. */
export function standing(item: { state: string; waiting_for: string | null }): Standing {
  if (DONE.has(item.state)) return 'done';
  if (OVER.has(item.state)) return 'over';
  if (item.waiting_for && LOOK.has(item.waiting_for)) return 'waiting';
  return 'moving';
}

export function isMoving(item: Movement): boolean {
  const stands = standing(item);
  return stands === 'moving' || stands === 'waiting';
}

interface MovementWords {
  title: string;
  note: string;
  state: string;
}

/** One line of the history in words. */
export function useMovementWords(): (item: Movement) => MovementWords {
  const { t, i18n } = useTranslation('transactions');
  const names = useNames();
  return (item) => {
    const network = item.network ? names.network(item.network) : '';
    const known = i18n.exists(`transactions:state.${item.state}`);
    const state = known ? t(`state.${item.state as 'completed'}`) : item.state;
    const money = (amount: Movement['debit']) => (amount ? figuresText(amount.amount, amount.asset) : '');
    const values = {
      network,
      debit: money(item.debit),
      credit: money(item.credit),
      asset: item.credit?.asset ?? '',
      label: item.label ?? '',
      // A chain goes on counting; the promise ends at what was needed.
      count: Math.min(item.confirmations ?? 0, item.confirmations_required ?? Number.POSITIVE_INFINITY),
      needed: item.confirmations_required ?? 0,
    };
    if (item.kind === 'deposit') {
      return { title: t('line.deposit', values), note: t('line.confirmations', values), state };
    }
    if (item.kind === 'conversion') {
      return { title: t('line.conversion', values), note: t('line.conversionTo', values), state };
    }
    if (item.kind === 'transfer') {
      const by = item.counterpart ? 'Somebody' : 'Address';
      const words = { ...values, other: item.counterpart ?? '' };
      return {
        title: t(item.debit ? `line.sent${by}` : `line.came${by}`, words),
        note: t('line.inside'),
        state,
      };
    }
    return {
      title: item.label ? t('line.paidTo', values) : t('line.paid', values),
      note: network ? t('line.on', values) : t('line.inside'),
      state,
    };
  };
}

/** What the account lost or gained by it; null when it came to nothing. */
export function effect(item: Movement): { sign: '+' | '−'; amount: string; asset: string } | null {
  if (item.kind === 'withdrawal' || (item.kind === 'transfer' && item.debit)) {
    return item.debit && { sign: '−', ...item.debit };
  }
  return item.credit && { sign: '+', ...item.credit };
}
