import type { ConfigGetResponse } from '@/client/types.gen';

/** What the server tells the page before any request: written into the shell, so it costs no round trip. */
export type PageConfig = ConfigGetResponse;
export type Language = PageConfig['languages'][number];

const ENGLISH: Language = { tag: 'en', name: null, direction: 'ltr', format: 'en-GB' };

/** The development server has no shell of the API's: the page as it comes. */
const BARE: PageConfig = {
  version: '',
  mode: import.meta.env.DEV ? 'sandbox' : 'production',
  api: '/api/v1',
  brand: { name: 'Tidegate', logo_light: null, logo_dark: null, icon: null, stylesheet: null },
  theme: {
    schema_version: 1,
    shades: [] as never,
    light: null as never,
    dark: null as never,
    radius: 4,
    face: null,
    heading_face: null,
    faces: [],
  },
  features: { registration: true, conversions: true, transfers: true, webhooks: true },
  assets: [],
  networks: [],
  languages: [ENGLISH],
  currencies: ['USD'],
  links: { support: null, terms: null, privacy: null, status: null },
  notice: null,
  policy: { password_least: 15, new_address_cooldown_seconds: 0, email_hold_seconds: 259_200 },
};

function read(): PageConfig {
  try {
    const found: unknown = JSON.parse(document.getElementById('cfg')?.textContent ?? '');
    if (typeof found === 'object' && found !== null && 'brand' in found) return found as PageConfig;
  } catch {
    // The development server leaves the placeholder as it is.
  }
  return BARE;
}

export const config = read();
export const isSandbox = config.mode === 'sandbox';

/** The nonce that the content policy wants on every style element made at run time. */
export function styleNonce(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]');
  return meta?.nonce || meta?.getAttribute('nonce') || '';
}
