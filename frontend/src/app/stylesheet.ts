import { config } from './config';

/**
 * Where an operator's stylesheet may lie: pages that are looked at. Where a person decides about money or keys (an address,
 * a price, a code) it is taken out, so that nothing it says can hide or alter what is decided. A page that is not named
 * here does without.
 */
const OPEN = [
  /^\/$/,
  /^\/(sign-in|register)$/,
  /^\/balances\/[^/]+$/,
  /^\/history$/,
  /^\/conversions\/[^/]+$/,
  /^\/deposits\/[^/]+$/,
];

export function mayDress(pathname: string): boolean {
  return OPEN.some((page) => page.test(pathname));
}

const MARK = 'data-custom-css';

/** Puts the stylesheet in or takes it out, before the page at `pathname` is drawn. */
export function dress(pathname: string): void {
  const url = config.brand.stylesheet;
  if (!url) return;
  const there = document.head.querySelector(`link[${MARK}]`);
  if (!mayDress(pathname)) there?.remove();
  if (there || !mayDress(pathname)) return;
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = url;
  link.setAttribute(MARK, '');
  document.head.append(link);
}
