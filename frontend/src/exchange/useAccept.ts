import { useMutation, useQueryClient } from '@tanstack/react-query';
import { conversionsGetQueryKey, walletsListBalancesQueryKey } from '@/client/@tanstack/react-query.gen';
import { conversionsCreate } from '@/client/sdk.gen';
import type { ConversionsCreateResponse } from '@/client/types.gen';
import { useOnce } from '@/ui/once';
import { isCode, isUnknownOutcome } from '@/ui/problem';
import type { Quote } from './usePrice';

/** A lost answer is asked for again under the same key, so often and so far apart. */
const TRIES = 5;
const PAUSE_MILLISECONDS = 1500;

async function ask(quote: Quote): Promise<ConversionsCreateResponse> {
  for (let tried = 1; ; tried += 1) {
    try {
      const { data } = await conversionsCreate({
        body: { quote_id: quote.id },
        // One key a price: however often it is asked, it happens once.
        headers: { 'idempotency-key': `accept:${quote.id}` },
        throwOnError: true,
      });
      return data;
    } catch (error) {
      if (!(isUnknownOutcome(error) || isCode(error, 'in_progress')) || tried >= TRIES) throw error;
      await new Promise((done) => window.setTimeout(done, PAUSE_MILLISECONDS));
    }
  }
}

/** Accepts a price, once, however often the button is pressed or the answer is lost. */
export function useAccept(onDone: (id: string) => void, onExpired: () => void) {
  const queries = useQueryClient();
  const once = useOnce();
  const accept = useMutation({
    mutationFn: ask,
    onSuccess: ({ id }) => {
      void queries.invalidateQueries({ queryKey: walletsListBalancesQueryKey() });
      void queries.invalidateQueries({ queryKey: conversionsGetQueryKey({ path: { conversion_id: id } }) });
      onDone(id);
    },
    onSettled: once.end,
    onError: (error) => {
      if (isCode(error, 'quote_expired')) onExpired();
    },
  });
  return {
    begin: (quote: Quote) => {
      if (once.begin()) accept.mutate(quote);
    },
    pending: accept.isPending,
    error: isCode(accept.error, 'quote_expired') ? null : accept.error,
    /** It was accepted too late: nothing happened. */
    late: isCode(accept.error, 'quote_expired'),
  };
}
