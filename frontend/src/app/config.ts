/** What the server tells the page before any request: written into the shell, so it costs no round trip. */
export interface PageConfig {
  readonly mode: 'sandbox' | 'production';
  readonly version: string;
}

function read(): PageConfig {
  const text = document.getElementById('cfg')?.textContent ?? '';
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === 'object' && found !== null) {
      const { mode, version } = found as Record<string, unknown>;
      return {
        mode: mode === 'sandbox' ? 'sandbox' : 'production',
        version: typeof version === 'string' ? version : '',
      };
    }
  } catch {
    // The development server leaves the placeholder as it is.
  }
  return { mode: import.meta.env.DEV ? 'sandbox' : 'production', version: '' };
}

export const config = read();
export const isSandbox = config.mode === 'sandbox';

/** The nonce that the content policy wants on every style element made at run time. */
export function styleNonce(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]');
  return meta?.nonce || meta?.getAttribute('nonce') || '';
}
