import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { Problem } from '@/ui/problem';

const RETRIED = new Set(['no_answer', 'busy', 'rate_limited']);

/** Reads are asked again when nobody answered or the server was busy; a refusal is an answer. */
function retry(count: number, error: unknown): boolean {
  return count < 3 && error instanceof Problem && (RETRIED.has(error.code) || error.status === 502);
}

export function makeQueryClient(onSignedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        const optional = query.meta?.whileSignedOut === true;
        if (!optional && error instanceof Problem && error.code === 'unauthenticated') onSignedOut();
      },
    }),
    mutationCache: new MutationCache({
      onError: (error) => {
        if (error instanceof Problem && error.code === 'unauthenticated') onSignedOut();
      },
    }),
    defaultOptions: {
      queries: {
        // Events say what changed; time alone makes nothing stale for a while.
        staleTime: 15_000,
        retry,
        retryDelay: (count) => Math.min(1000 * 2 ** count, 5000),
      },
      mutations: { retry: false },
    },
  });
}
