/** A refusal or failure as the screens know it: RFC 9457 plus the two ways a request can end without an answer. */
export interface ProblemFields {
  readonly field?: string | null;
  readonly retry_after?: number | null;
  readonly limit?: string | null;
  readonly available_at?: string | null;
  readonly allowed?: readonly string[] | null;
  readonly methods?: readonly string[] | null;
}

export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    /** API.md's code, or `no_answer` (nothing came back: it may have happened) or `unreadable`. */
    readonly code: string,
    readonly status: number,
    readonly requestId: string | null,
    readonly fields: ProblemFields,
    detail: string,
  ) {
    super(detail);
  }
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem('unreadable', 0, null, {}, error instanceof Error ? error.message : '');
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Problem && codes.includes(error.code);
}

/** Nothing came back, or the server was too busy to say: asking again with the same key is safe and may help. */
export function isUnknownOutcome(error: unknown): boolean {
  return error instanceof Problem && (error.code === 'no_answer' || error.status >= 500);
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const texts = (value: unknown): string[] | null =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : null;

/** Reads a problem document; anything else that was not a success is `unreadable`. */
export function readProblem(body: unknown, status: number, requestId: string | null): Problem {
  const found = record(body);
  const code = text(found?.code);
  if (!found || !code) return new Problem('unreadable', status, requestId, {}, '');
  return new Problem(
    code,
    status,
    text(found.request_id) ?? requestId,
    {
      field: text(found.field),
      retry_after: typeof found.retry_after === 'number' ? found.retry_after : null,
      limit: text(found.limit),
      available_at: text(found.available_at),
      allowed: texts(found.allowed),
      methods: texts(found.methods),
    },
    text(found.detail) ?? '',
  );
}
