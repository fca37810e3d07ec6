/**
 * One of the browser's pages at a time does what `begin` begins. The others wait in line, and the next one begins as
 * soon as that page leaves or is closed, however it was closed. `begin` returns what ends it; so does this.
 */
export function takeTurns(name: string, begin: () => () => void): () => void {
  // Without locks (a page that came over plain HTTP from another machine) each page is the first.
  if (!navigator.locks) return begin();
  const line = new AbortController();
  let end: (() => void) | undefined;
  navigator.locks
    .request(
      name,
      { signal: line.signal },
      () =>
        new Promise<void>((leave) => {
          const stop = begin();
          end = () => {
            stop();
            leave();
          };
        }),
    )
    .catch((reason: unknown) => {
      // It left the line before its turn came.
      if (!line.signal.aborted) throw reason;
    });
  return () => {
    line.abort();
    end?.();
    end = undefined;
  };
}
