import { useLocation } from '@tanstack/react-router';

/** What stands behind the `#`: browsers keep it to themselves, so no server and no mail scanner ever sees it. */
export function useToken(): string {
  return useLocation({ select: (location) => location.hash });
}

/** Nobody is signed in here; a refusal is no reason to go to the sign-in page. */
export const OPEN = { whileSignedOut: true } as const;
