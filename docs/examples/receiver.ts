/**
 * A receiver of Tidegate's webhooks, with nothing but what Node.js brings.
 *
 *     WEBHOOK_SECRET=whsec_… node receiver.mjs 4000
 *
 * Behind a TLS terminator it is what production needs; in the sandbox plain http on localhost will do.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';

interface Message {
  type: string;
  timestamp: string;
  data: { kind: string; id: string; version: number; sequence: number | null };
}

const TOLERANCE_SECONDS = 300;
const key = Buffer.from((process.env.WEBHOOK_SECRET ?? '').replace(/^whsec_/, ''), 'base64');
/** In a database of yours, in the same transaction as what you do about a message. */
const seen = new Set<string>();

/** Whether a message is ours and new: one of its signatures is right, over exactly these bytes. */
export function verified(headers: IncomingHttpHeaders, body: Buffer, now: number): boolean {
  const id = String(headers['webhook-id'] ?? '');
  const moment = String(headers['webhook-timestamp'] ?? '');
  if (!/^[0-9]+$/.test(moment) || Math.abs(now - Number(moment)) > TOLERANCE_SECONDS) return false;
  const wanted = createHmac('sha256', key).update(`${id}.${moment}.`).update(body).digest();
  return String(headers['webhook-signature'] ?? '')
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => Buffer.from(one.slice(3), 'base64'))
    .some((given) => given.length === wanted.length && timingSafeEqual(given, wanted));
}

/** A hint: ask the API what is so now. Messages may overtake each other; `sequence` tells their order. */
function handle({ type, data }: Message): void {
  console.log(type, data.id, data.version, data.sequence);
}

const server = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  if (!verified(request.headers, body, Date.now() / 1000)) {
    response.writeHead(400).end();
    return;
  }
  response.writeHead(204).end(); // quickly: do what takes long after the answer
  const id = String(request.headers['webhook-id']);
  if (seen.has(id)) return; // the same message may come twice
  seen.add(id);
  handle(JSON.parse(body.toString()));
});

server.listen(Number(process.argv[2]), '127.0.0.1', () => {
  const address = server.address();
  console.log('listening on', typeof address === 'object' ? address?.port : address);
});
