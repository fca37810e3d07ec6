import { useSyncExternalStore } from 'react';

/** What this screen asked the server for, newest last, each request once. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: string | null;
  /** It went with a key that makes it harmless to repeat. */
  readonly keyed: boolean;
}

const MOST = 20;
const SECRET = /"(password|current_password|new_password|code|secret)":"[^"]*"/g;

let asked: readonly Asked[] = [];
const listeners = new Set<() => void>();

function tell(next: readonly Asked[]): void {
  asked = next;
  for (const listener of listeners) listener();
}

/** Keeps a request that is on its way, without what nobody may read over a shoulder. */
export async function keep(request: Request): Promise<void> {
  const body = request.body ? (await request.clone().text()).replaceAll(SECRET, '"$1":"…"') : null;
  const one = {
    method: request.method,
    url: request.url,
    body,
    keyed: request.headers.has('idempotency-key'),
  };
  const same = (other: Asked) => other.method === one.method && other.url === one.url && other.body === body;
  tell([...asked.filter((other) => !same(other)), one].slice(-MOST));
}

/** Another screen asks afresh. */
export function forgetAsked(): void {
  tell([]);
}

export function useAsked(): readonly Asked[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => asked,
  );
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** The request as a line for a shell that has a `TOKEN`. */
export function curl({ method, url, body, keyed }: Asked): string {
  return [
    `curl -s ${quoted(url)}`,
    method === 'GET' ? '' : `-X ${method}`,
    '-H "Authorization: Bearer $TOKEN"',
    keyed ? '-H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)"' : '',
    body ? `-H 'Content-Type: application/json' -d ${quoted(body)}` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

/** The line that puts a demo person's token into `TOKEN`: their code is asked for, used, and shown to nobody. */
export function tokenLine(api: string, email: string): string {
  const pick =
    '.items[] | select(.email == $email) | "username=\\(.email|@uri)&password=\\(.password|@uri)&totp_code=\\(.code)"';
  return (
    `TOKEN=$(curl -s ${quoted(`${api}/sandbox/authenticator`)} | jq -r --arg email ${quoted(email)} ${quoted(pick)}` +
    ` | curl -s ${quoted(`${api}/auth/token`)} -d @- | jq -r .access_token)`
  );
}
