/**
 * Decimal strings of the wire ("0.01500000") as exact integers.
 *
 * Nothing here ever becomes a JavaScript number that stands for money: a float keeps 15 digits, one ether has 18.
 */
export interface Decimal {
  /** The value times ten to the power of `scale`. */
  readonly units: bigint;
  readonly scale: number;
}

const WIRE = /^(-?)(\d{1,60})(?:\.(\d{1,36}))?$/;

/** Reads a decimal string. Throws on anything else: a wrong amount must never be shown as a plausible one. */
export function decimal(text: string): Decimal {
  const match = WIRE.exec(text);
  if (!match) throw new RangeError(`not a decimal: ${text}`);
  const [, sign, whole = '0', fraction = ''] = match;
  const units = BigInt(whole + fraction);
  return { units: sign ? -units : units, scale: fraction.length };
}

function lifted(value: Decimal, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale);
}

export function decimalText({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const sign = units < 0n ? '-' : '';
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

export function plus(a: string, b: string): string {
  const [x, y] = [decimal(a), decimal(b)];
  const scale = Math.max(x.scale, y.scale);
  return decimalText({ units: lifted(x, scale) + lifted(y, scale), scale });
}

export function minus(a: string, b: string): string {
  const [x, y] = [decimal(a), decimal(b)];
  const scale = Math.max(x.scale, y.scale);
  return decimalText({ units: lifted(x, scale) - lifted(y, scale), scale });
}

/** Negative, zero or positive, as `a` is less than, equal to or more than `b`. */
export function compare(a: string, b: string): -1 | 0 | 1 {
  const difference = decimal(minus(a, b)).units;
  if (difference === 0n) return 0;
  return difference < 0n ? -1 : 1;
}

export function isZero(text: string): boolean {
  return decimal(text).units === 0n;
}

export function isNegative(text: string): boolean {
  return decimal(text).units < 0n;
}

export function absolute(text: string): string {
  const { units, scale } = decimal(text);
  return decimalText({ units: units < 0n ? -units : units, scale });
}

export function sum(texts: readonly string[]): string {
  return texts.reduce(plus, '0');
}

/**
 * `amount × over ÷ under`, rounded half up to `scale` digits. For estimates only; what is charged is never computed here.
 */
export function proportion(amount: string, over: string, under: string, scale: number): string {
  const [a, o, u] = [decimal(amount), decimal(over), decimal(under)];
  if (u.units === 0n) throw new RangeError('a proportion of nothing');
  const numerator = a.units * o.units * 10n ** BigInt(u.scale + scale) * 2n;
  const denominator = u.units * 10n ** BigInt(a.scale + o.scale);
  const doubled = numerator / denominator;
  return decimalText({ units: (doubled + 1n) / 2n, scale });
}

/** How long a bar is, in thousandths of the longest: a length on the screen, not money. */
export function permille(part: string, whole: string): number {
  const [p, w] = [decimal(part), decimal(whole)];
  const scale = Math.max(p.scale, w.scale);
  const under = lifted(w, scale);
  if (under <= 0n) return 0;
  const thousandths = (lifted(p, scale) * 1000n) / under;
  if (thousandths < 0n) return 0;
  return thousandths > 1000n ? 1000 : Number.parseInt(thousandths.toString(), 10);
}
