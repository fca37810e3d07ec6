import { renderHook } from '@testing-library/react';
import { expect, test } from 'vitest';
import { curl, keep, tokenLine, useAsked } from './asked';

const get = { method: 'GET', url: 'http://h/api/v1/x?a=1&b=2', body: null, keyed: false };

test('a read is one line that a shell can run', () => {
  expect(curl(get)).toBe(`curl -s 'http://h/api/v1/x?a=1&b=2' -H "Authorization: Bearer $TOKEN"`);
});

test('a body goes along, however it is quoted, with its key', () => {
  const line = curl({ method: 'POST', url: 'http://h/y', body: `{"label":"Ana's"}`, keyed: true });
  expect(line).toContain('-X POST');
  expect(line).toContain('Idempotency-Key');
  expect(line).toContain(`-d '{"label":"Ana'\\''s"}'`);
});

test('no password and no code is kept', async () => {
  const body = JSON.stringify({ password: 'tide and harbour', code: '123456', label: 'x' });
  await keep(new Request('http://h/z', { method: 'POST', body }));
  const { result } = renderHook(useAsked);
  expect(result.current.at(-1)?.body).toBe('{"password":"…","code":"…","label":"x"}');
});

test('the token is asked for in one line, for this person', () => {
  expect(tokenLine('http://h/api/v1', 'ines@demo.example')).toMatch(
    /^TOKEN=\$\(curl .*ines@demo\.example.*\)$/,
  );
});
