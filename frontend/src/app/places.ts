import { config, isSandbox } from './config';

/** Where one can go from everywhere. */
export const PLACES = [
  { to: '/', key: 'home' },
  { to: '/pay', key: 'pay' },
  { to: '/deposit', key: 'deposit' },
  ...(config.features.conversions ? ([{ to: '/convert', key: 'convert' }] as const) : []),
  { to: '/history', key: 'history' },
  { to: '/addresses', key: 'addresses' },
  ...(isSandbox ? ([{ to: '/break', key: 'break' }] as const) : []),
] as const;
