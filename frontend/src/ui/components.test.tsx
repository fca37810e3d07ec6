import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { AddressInput } from './AddressInput';
import { Amount } from './Amount';
import { AmountInput } from './AmountInput';
import { Countdown } from './Countdown';
import { ProblemNote } from './ProblemNote';
import { Problem } from './problem';
import { StatusBadge } from './StatusBadge';
import { prepare, show } from './shown';

beforeAll(prepare);
afterEach(() => {
  vi.useRealTimers();
  cleanup();
});

test('an amount is shown to its last digit, and nothing is an en dash that is read out', () => {
  show(<Amount amount="0.123456789012345678" asset="ETH" />);
  expect(document.body.textContent).toContain('0.123456789012345678');
  cleanup();
  show(<Amount amount="0.00" asset="USDT" dash />);
  expect(document.body.textContent).toContain('none');
});

test('the smallest unit is kept as it was typed, never in another notation', () => {
  const heard: string[] = [];
  function Field() {
    const [text, setText] = useState('');
    const hear = (next: string) => {
      heard.push(next);
      setText(next);
    };
    return <AmountInput label="How much" value={text} onChange={hear} unit="BTC" />;
  }
  show(<Field />);
  const field = screen.getByLabelText<HTMLInputElement>('How much');
  for (const text of ['0.00000001', '007', '1,5']) fireEvent.change(field, { target: { value: text } });
  expect(heard).toEqual(['0.00000001', '007', '1,5']);
  expect(field.value).toBe('1,5');
});

test.each([
  [0, null],
  [1, 'Removed one space that came along.'],
  [3, 'Removed 3 spaces and the like that came along.'],
])('an address field from which %i characters were left out says so', (removed, words) => {
  show(<AddressInput label="To" value="0x52" onChange={() => undefined} removed={removed} />);
  if (words) expect(screen.getByText(words)).toBeTruthy();
  else expect(screen.queryByText(/Removed/)).toBeNull();
});

test('a countdown speaks at 60, 30 and 10 seconds, ends once, and is silent in between', () => {
  vi.useFakeTimers();
  const start = Date.now();
  const ended = vi.fn();
  show(
    <Countdown
      expiresAt={new Date(start + 62_000).toISOString()}
      life={90}
      thing="This price"
      onExpired={ended}
    />,
  );
  const region = document.querySelector('[role=status]');
  const spoken = new Set<string>();
  for (let second = 0; second < 65; second += 1) {
    act(() => vi.advanceTimersByTime(1000));
    const said = region?.textContent?.trim();
    if (said) spoken.add(said);
  }
  expect([...spoken]).toEqual([60, 30, 10].map((left) => `This price: ${left} seconds left.`));
  expect(ended).toHaveBeenCalledTimes(1);
});

test('a state is told by a word and never by colour alone', () => {
  for (const standing of ['done', 'moving', 'waiting', 'over'] as const) {
    show(<StatusBadge standing={standing} word={`it is ${standing}`} />);
    const badge = screen.getByText(`it is ${standing}`);
    expect(badge.querySelector('svg')).not.toBeNull();
  }
});

test('a problem says what it is, what it means for the money, the number to quote, and asks again', () => {
  const again = vi.fn();
  show(
    <ProblemNote
      error={new Problem('no_answer', 0, 'request-7', {}, '')}
      money="Your money is not affected."
      onRetry={again}
    />,
  );
  const note = screen.getByRole('alert');
  expect(note.textContent).toContain('Your money is not affected.');
  expect(note.textContent).toContain('request-7');
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(again).toHaveBeenCalledOnce();
});

test('a problem that nobody has words for is still a sentence', () => {
  show(<ProblemNote error={new Problem('never_heard_of', 500, null, {}, '')} />);
  expect(screen.getByRole('alert').textContent).toMatch(/\w+ \w+/);
});
