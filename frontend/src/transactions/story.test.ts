import { describe, expect, test } from 'vitest';
import { chamber, confirmations, refund, sentenceKey, steps, took, type Withdrawal } from './story';

const at = (second: number) => new Date(Date.UTC(2026, 10, 24, 14, 2, second)).toISOString();
const event = (state: string, second: number) => ({
  at: at(second),
  state,
  sub_status: null,
  by: 'worker',
  detail: null,
});

function withdrawal(state: string, states: string[], part: Partial<Withdrawal> = {}): Withdrawal {
  return {
    id: 'w',
    reference: null,
    quote_id: 'q',
    network: 'ethereum',
    address: '0x52908400098527886E0F7030069857D2E4169EE7',
    beneficiary_id: null,
    label: null,
    debit: { asset: 'BTC', amount: '0.00782224' },
    deliver: { asset: 'USDT', amount: '500.000000' },
    rate: '64182.5',
    fees: [],
    speed: 'standard',
    conversion_id: 'c',
    detail: null,
    challenge: null,
    attempts: [],
    events: states.map((one, index) => event(one, index * 3)),
    created_at: at(0),
    completed_at: null,
    state,
    sub_status: null,
    waiting_for: null,
    since: at(0),
    expected_by: null,
    can_cancel: false,
    ...part,
  } as Withdrawal;
}

const attempt = (state: string, reached: number) => ({
  id: 'a',
  state,
  txid: 'ab',
  explorer_url: null,
  confirmations: reached,
  confirmations_required: 3,
  block_height: null,
  sent_at: at(9),
});
const WAY = [
  'pending_verification',
  'pending_screening',
  'queued',
  'signing',
  'broadcasting',
  'confirming',
  'completed',
];
const upTo = (state: string) => WAY.slice(0, WAY.indexOf(state) + 1);
const shape = (one: Withdrawal) => steps(one).map((step) => `${step.key}:${step.state}`);

describe('the story of a withdrawal', () => {
  test.each(WAY.slice(0, -1))('in %s exactly one step is now', (state) => {
    const found = steps(withdrawal(state, upTo(state)));
    expect(found.filter((step) => step.state === 'now')).toHaveLength(1);
    const order = found.map((step) => ['past', 'now', 'later'].indexOf(step.state));
    expect([...order].sort()).toEqual(order);
  });
  test('before the code everything is still to come', () => {
    expect(shape(withdrawal('pending_verification', ['pending_verification']))).toEqual([
      'confirmed:now',
      'converted:later',
      'checked:later',
      'sent:later',
      'confirming:later',
      'final:later',
    ]);
  });
  test('a payment without a conversion does not tell of one', () => {
    const plain = withdrawal('queued', upTo('queued'), { debit: { asset: 'USDT', amount: '501.2' } });
    expect(steps(plain).some((step) => step.key === 'converted')).toBe(false);
  });
  test('completed has no step that is now', () => {
    const done = withdrawal('completed', WAY, { completed_at: at(53), attempts: [attempt('final', 3)] });
    expect(steps(done).every((step) => step.state === 'past')).toBe(true);
    expect(took(done)).toBe(50);
  });
  test('an end says what was done before it and no more', () => {
    const cancelled = withdrawal('cancelled', [
      'pending_verification',
      'pending_screening',
      'queued',
      'cancelled',
    ]);
    expect(shape(cancelled)).toEqual(['confirmed:past', 'converted:past', 'checked:past', 'ended:ended']);
    expect(shape(withdrawal('expired', ['pending_verification', 'expired']))).toEqual(['ended:ended']);
  });
  test('the money lies in the chamber that has it', () => {
    for (const state of upTo('signing')) expect(chamber({ state } as Withdrawal)).toBe('balance');
    expect(chamber({ state: 'broadcasting' } as Withdrawal)).toBe('network');
    expect(chamber({ state: 'confirming' } as Withdrawal)).toBe('network');
    expect(chamber({ state: 'completed' } as Withdrawal)).toBe('recipient');
    expect(chamber({ state: 'failed' } as Withdrawal)).toBe('balance');
  });
  test('a replaced attempt does not count its confirmations', () => {
    const two = withdrawal('confirming', upTo('confirming'), {
      attempts: [attempt('mined', 1), attempt('replaced', 0)],
    });
    expect(confirmations(two, 3)).toEqual({ reached: 1, needed: 3 });
  });
  test('before the conversion the debit comes back, after it what was to be delivered', () => {
    expect(refund(withdrawal('expired', ['pending_verification', 'expired'])).asset).toBe('BTC');
    expect(
      refund(withdrawal('cancelled', ['pending_verification', 'pending_screening', 'cancelled'])).asset,
    ).toBe('USDT');
  });
  test('a payment that was mined and not made has cost its network fee, and only that', () => {
    const usdt = (amount: string) => ({ asset: 'USDT', amount });
    const plain = {
      debit: usdt('501.000000'),
      fees: [
        { kind: 'network' as const, amount: usdt('0.900000') },
        { kind: 'service' as const, amount: usdt('0.100000') },
      ],
    };
    const path = ['pending_verification', 'pending_screening', 'confirming', 'failed'];
    const mined = { attempts: [attempt('reverted', 18)] };
    expect(refund(withdrawal('failed', path, { ...plain, ...mined })).amount).toBe('500.100000');
    expect(refund(withdrawal('failed', path, plain)).amount).toBe('501.000000');
    expect(refund(withdrawal('failed', path, mined)).amount).toBe('500.000000');
  });
  test('the sub status speaks before the state', () => {
    expect(sentenceKey({ state: 'queued', sub_status: 'awaiting_liquidity' }, 0)).toBe(
      'sub.awaiting_liquidity',
    );
    expect(sentenceKey({ state: 'confirming', sub_status: 'slower_than_usual' }, 0)).toBe('unconfirmed');
    expect(sentenceKey({ state: 'confirming', sub_status: null }, 1)).toBe('confirming');
    expect(sentenceKey({ state: 'completed', sub_status: 'reorged' }, 3)).toBe('completed');
  });
});
