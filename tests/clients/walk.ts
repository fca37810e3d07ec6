/**
 * A whole withdrawal through the generated TypeScript client: pay 25 USDT with bitcoin, and wait until they are there.
 *
 * Environment: TIDEGATE_URL, EMAIL, PASSWORD, CODE (to sign in), NEXT_CODE (to verify), ADDRESS.
 */
import {
  authToken,
  quotesCreate,
  withdrawalsCreate,
  withdrawalsGet,
  withdrawalsVerify,
} from '../../frontend/src/client';
import type { QuoteIn, WithdrawalOut } from '../../frontend/src/client';
import { client } from '../../frontend/src/client/client.gen';

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

async function completed(id: string, deadline: number): Promise<WithdrawalOut> {
  for (;;) {
    const { data } = await withdrawalsGet({ path: { withdrawal_id: id }, throwOnError: true });
    if (data.state === 'completed') return data;
    if (['failed', 'rejected', 'cancelled', 'expired'].includes(data.state)) throw new Error(`it ended ${data.state}`);
    if (Date.now() > deadline) throw new Error(`still ${data.state}, waiting for ${data.waiting_for ?? 'nothing'}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function walk(): Promise<void> {
  client.setConfig({ baseUrl: given('TIDEGATE_URL') });
  const { data: token } = await authToken({
    body: { username: given('EMAIL'), password: given('PASSWORD'), totp_code: given('CODE') },
    throwOnError: true,
  });
  client.setConfig({ auth: token.access_token });

  const asked: QuoteIn = {
    kind: 'withdrawal',
    from_asset: 'BTC',
    to_asset: 'USDT',
    network: 'ethereum',
    side: 'exact_out',
    amount: '25',
  };
  const { data: quote } = await quotesCreate({ body: asked, throwOnError: true });
  const { data: withdrawal } = await withdrawalsCreate({
    body: { quote_id: quote.id, address: given('ADDRESS'), reference: 'typescript-walk' },
    headers: { 'idempotency-key': crypto.randomUUID() },
    throwOnError: true,
  });
  await withdrawalsVerify({
    path: { withdrawal_id: withdrawal.id },
    body: { method: 'totp', code: given('NEXT_CODE') },
    throwOnError: true,
  });
  const done = await completed(withdrawal.id, Date.now() + 60_000);
  // Amounts are strings: they are shown, compared and stored as such, and never become numbers.
  const debit: string = done.debit.amount;
  console.log(JSON.stringify({ id: done.id, state: done.state, debit, txid: done.attempts.at(-1)?.txid }));
}

await walk();
