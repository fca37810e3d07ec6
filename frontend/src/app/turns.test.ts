import { afterEach, expect, test, vi } from 'vitest';
import { takeTurns } from './turns';

type Grant = () => Promise<void>;

/** A lock as the browser has it: first come, first served, and who gave up is passed over. */
function aLock() {
  const line: { grant: Grant; signal: AbortSignal }[] = [];
  let held = false;
  const next = async (): Promise<void> => {
    if (held) return;
    const first = line.shift();
    if (!first) return;
    if (first.signal.aborted) return next();
    held = true;
    await first.grant();
    held = false;
    return next();
  };
  const request = (_name: string, { signal }: { signal: AbortSignal }, grant: Grant) => {
    line.push({ grant, signal });
    void next();
    return new Promise<void>((_, reject) =>
      signal.addEventListener('abort', () => reject(new DOMException('gone', 'AbortError'))),
    );
  };
  return { request };
}

afterEach(() => vi.unstubAllGlobals());

function pages(count: number) {
  vi.stubGlobal('navigator', { locks: aLock() });
  const begun: number[] = [];
  const ended: number[] = [];
  const leave = Array.from({ length: count }, (_, page) =>
    takeTurns('stream', () => {
      begun.push(page);
      return () => ended.push(page);
    }),
  );
  return { begun, ended, leave };
}

test('one page begins, and the next one when it leaves', async () => {
  const { begun, ended, leave } = pages(3);
  expect(begun).toEqual([0]);
  leave[0]?.();
  await vi.waitFor(() => expect(begun).toEqual([0, 1]));
  expect(ended).toEqual([0]);
});

test('a page that left the line before its turn never begins', async () => {
  const { begun, ended, leave } = pages(3);
  leave[1]?.();
  leave[0]?.();
  await vi.waitFor(() => expect(begun).toEqual([0, 2]));
  expect(ended).toEqual([0]);
});

test('where the browser has no locks each page begins by itself', () => {
  vi.stubGlobal('navigator', {});
  const begun: number[] = [];
  for (const page of [1, 2])
    takeTurns('stream', () => {
      begun.push(page);
      return () => undefined;
    });
  expect(begun).toEqual([1, 2]);
});
