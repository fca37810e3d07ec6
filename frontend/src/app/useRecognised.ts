import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { type Recognised, recognise, tidy } from './recognise';

/** What was pasted is asked about after the hand has rested this long. */
const REST_MILLISECONDS = 300;

function useRested(text: string): string {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setRested(text), REST_MILLISECONDS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return rested;
}

/** What the text in a field is, by the server's word, while it is typed. `found` is null until that is known of this very text. */
export function useRecognised(text: string, codes: readonly string[]) {
  const clean = tidy(useRested(text));
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: ['recognise', clean.text, codes],
    enabled: clean.text !== '' && codes.length > 0,
    staleTime: 60_000,
    queryFn: ({ signal }) => recognise(clean.text, codes, signal),
  });
  // What is being typed now is not yet what was asked about.
  const settled = clean.text !== '' && clean.text === tidy(text).text;
  const found: Recognised | null = settled ? (data ?? null) : null;
  return { found, removed: clean.removed, error, isFetching, retry: () => void refetch() };
}
