import { addressesValidate } from '@/client/sdk.gen';
import type { AddressesValidateResponse } from '@/client/types.gen';

export interface Option {
  readonly asset: string;
  readonly network: string;
  readonly address: string;
}

/** What a pasted text turned out to be. `options` are matches, never guesses. */
export interface Recognised {
  readonly text: string;
  readonly options: readonly Option[];
  readonly payment: AddressesValidateResponse['payment'];
  readonly warnings: readonly string[];
  /** The address that may have been meant instead. */
  readonly lookalike: AddressesValidateResponse['lookalike'];
  /** Why nothing matches: a problem code. */
  readonly reason: string | null;
}

const INVISIBLE = /[\s\u00a0\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

const ZERO_WIDTH = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Removes what copying adds: spaces, line breaks, invisible characters. An invoice (with a colon) keeps its spaces:
 * without them "amount=1 5" would be another amount.
 */
export function tidy(text: string): { text: string; removed: number } {
  const clean = text.includes(':') ? text.replace(ZERO_WIDTH, '').trim() : text.trim().replace(INVISIBLE, '');
  return { text: clean, removed: text.trim().length - clean.length };
}

/**
 * The most telling reason first. "Another network" comes last: every other network's asset says it, so it tells
 * something only when all of them do.
 */
const REASONS = [
  'own_address',
  'forbidden_address',
  'too_many_decimals',
  'invalid_amount',
  'lightning',
  'invalid_address',
  'wrong_network',
];

export function tellingReason(reasons: readonly (string | null)[]): string {
  return (
    REASONS.find((reason) => reasons.includes(reason)) ??
    reasons.find((reason) => reason !== null) ??
    'invalid_address'
  );
}

/** Puts the server's answers, one an asset, together. */
export function combine(
  text: string,
  answers: readonly { asset: string; answer: AddressesValidateResponse }[],
): Recognised {
  const valid = answers.filter(({ answer }) => answer.valid);
  const payment = valid.find(({ answer }) => answer.payment)?.answer.payment ?? null;
  const options = valid
    .filter(({ asset }) => !payment || asset === payment.asset)
    .flatMap(({ asset, answer }) =>
      answer.networks
        // An invoice that names no network leaves the choice to the reader.
        .filter((network) => !payment?.network || network === payment.network)
        .map((network) => ({ asset, network, address: answer.address ?? text })),
    );
  const warnings = [...new Set(valid.flatMap(({ answer }) => answer.warnings))];
  const lookalike = valid.find(({ answer }) => answer.lookalike)?.answer.lookalike ?? null;
  const reason = options.length ? null : tellingReason(answers.map(({ answer }) => answer.reason));
  return { text, options, payment, warnings, lookalike, reason };
}

/** Asks the server what the text is, for each asset that can be paid out. Nothing about addresses is decided here. */
export async function recognise(
  text: string,
  assets: readonly string[],
  signal?: AbortSignal,
): Promise<Recognised> {
  const answers = await Promise.all(
    assets.map(async (asset) => {
      const { data } = await addressesValidate({
        body: { asset, address: text },
        throwOnError: true,
        ...(signal && { signal }),
      });
      return { asset, answer: data };
    }),
  );
  return combine(text, answers);
}

const KNOWN = [
  'empty',
  'own_address',
  'forbidden_address',
  'wrong_network',
  'lightning',
  'invalid_address',
  'invalid_amount',
  'too_many_decimals',
] as const;

/** The reason we have words for (`transactions:get.reason`). */
export function knownReason(reason: string): (typeof KNOWN)[number] {
  return KNOWN.find((one) => one === reason) ?? 'invalid_address';
}
