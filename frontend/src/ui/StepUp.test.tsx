import { cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { Problem } from './problem';
import { StepUp } from './StepUp';
import { prepare, show } from './shown';

beforeAll(prepare);
afterEach(cleanup);

function step(error: unknown, onCode: (code: string) => void) {
  return <StepUp about="Exactly this." act="Send 5 USDT" pending={false} error={error} onCode={onCode} />;
}

const field = () => screen.getByRole<HTMLInputElement>('textbox');

test('six digits are handed over, however they were pasted, and fewer are not', () => {
  const codes: string[] = [];
  show(step(null, (code) => codes.push(code)));
  fireEvent.change(field(), { target: { value: '12345' } });
  fireEvent.click(screen.getByRole('button'));
  expect(codes).toEqual([]);
  expect(document.activeElement).toBe(field());
  fireEvent.change(field(), { target: { value: ' 123 456 ' } });
  fireEvent.click(screen.getByRole('button'));
  expect(codes).toEqual(['123456']);
});

test('a code that did not do is gone, and the field has the focus again', () => {
  const { again } = show(step(null, () => undefined));
  fireEvent.change(field(), { target: { value: '111111' } });
  again(step(new Problem('invalid_code', 422, null, {}, ''), () => undefined));
  expect(field().value).toBe('');
  expect(document.activeElement).toBe(field());
  expect(screen.getByRole('alert')).toBeTruthy();
});
