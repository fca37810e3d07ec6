import { useRef } from 'react';

/**
 * Lets an act begin only when the one before it has ended. A double click arrives before the screen can show that
 * the first one counted.
 */
export function useOnce(): { begin: () => boolean; end: () => void } {
  const busy = useRef(false);
  const gate = useRef({
    begin: () => {
      if (busy.current) return false;
      busy.current = true;
      return true;
    },
    end: () => {
      busy.current = false;
    },
  });
  return gate.current;
}
