import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { authGetMeOptions } from '@/client/@tanstack/react-query.gen';
import { isCode } from '@/ui/problem';
import { readDays } from '@/wallets/days';
import { forgetAsked } from './asked';
import { isSandbox } from './config';
import { NotFound, RootFailed, RouteFailed } from './failures';
import { needWords, speakAs } from './i18n';
import { forgetVisit, mayBeSignedIn } from './visit';

interface Context {
  queries: QueryClient;
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
  interface HistoryState {
    /** What was pasted on the home page, on its way to the payment. Memory only: never in an address bar. */
    pasted?: string;
    /** The saved address to be paid, in memory alike. */
    saved?: { id: string; label: string; asset: string; network: string; address: string };
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined);

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  errorComponent: RootFailed,
  notFoundComponent: NotFound,
});

/** Only ways inside the app: a foreign address in `next` would be an open door. */
export function safeNext(next: string | undefined): string | undefined {
  return next?.startsWith('/') && !next.startsWith('//') && !next.startsWith('/\\') ? next : undefined;
}

const outside = createRoute({
  getParentRoute: () => root,
  id: 'outside',
  component: lazyRouteComponent(() => import('./SignedOut'), 'SignedOut'),
  beforeLoad: () => needWords('auth', ...(isSandbox ? (['sandbox'] as const) : [])),
});

const signIn = createRoute({
  getParentRoute: () => outside,
  path: '/sign-in',
  validateSearch: (
    search: Record<string, unknown>,
  ): { next?: string; because?: 'expired' | 'signed_out' } => {
    const next = safeNext(text(search.next));
    const because =
      search.because === 'expired' || search.because === 'signed_out' ? search.because : undefined;
    return { ...(next && { next }), ...(because && { because }) };
  },
  component: lazyRouteComponent(() => import('@/auth/SignIn'), 'SignIn'),
});

const register = createRoute({
  getParentRoute: () => outside,
  path: '/register',
  component: lazyRouteComponent(() => import('@/auth/Register'), 'Register'),
});

/** Pages behind links that prove themselves: nobody signs in. What proves it stands behind the `#`. */
const linked = createRoute({
  getParentRoute: () => root,
  id: 'linked',
  component: lazyRouteComponent(() => import('./SignedOut'), 'SignedOut'),
  beforeLoad: () => needWords('links'),
});

const cancelLink = createRoute({
  getParentRoute: () => linked,
  path: '/cancel',
  component: lazyRouteComponent(() => import('@/links/CancelPage'), 'CancelPage'),
});

const freezeLink = createRoute({
  getParentRoute: () => linked,
  path: '/freeze',
  component: lazyRouteComponent(() => import('@/links/FreezePage'), 'FreezePage'),
});

const trackLink = createRoute({
  getParentRoute: () => linked,
  path: '/track',
  component: lazyRouteComponent(() => import('@/links/TrackPage'), 'TrackPage'),
});
/** Lets in whoever is signed in, with the words of the rooms behind; everybody else is led to the door and back. */
async function enter({ queries }: Context, href: string, ...words: string[]): Promise<void> {
  const next = href === '/' ? undefined : safeNext(href);
  const door = () => redirect({ to: '/sign-in', search: next ? { next } : {} });
  if (!mayBeSignedIn()) throw door();
  try {
    const me = await queries.ensureQueryData({ ...authGetMeOptions(), meta: { whileSignedOut: true } });
    await speakAs(me.language);
  } catch (error) {
    if (!isCode(error, 'unauthenticated')) throw error;
    forgetVisit();
    throw door();
  }
  await needWords(...words);
}

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: lazyRouteComponent(() => import('./SignedIn'), 'SignedIn'),
  beforeLoad: ({ context, location }) =>
    enter(context, location.href, 'wallets', 'transactions', ...(isSandbox ? (['tour'] as const) : [])),
});

const home = createRoute({
  getParentRoute: () => inside,
  path: '/',
  beforeLoad: ({ context }) => {
    // Who has no wallet here works here.
    const me = context.queries.getQueryData(authGetMeOptions().queryKey);
    if (me && !me.permissions.includes('wallets.read')) throw redirect({ to: '/ops' });
  },
  component: lazyRouteComponent(() => import('@/wallets/Home'), 'Home'),
});

const deposit = createRoute({
  getParentRoute: () => inside,
  path: '/deposit',
  validateSearch: (search: Record<string, unknown>): { asset?: string; network?: string } => {
    const asset = text(search.asset);
    const network = text(search.network);
    return { ...(asset && { asset }), ...(network && { network }) };
  },
  component: lazyRouteComponent(() => import('@/wallets/DepositPage'), 'DepositPage'),
});

const depositDetail = createRoute({
  getParentRoute: () => inside,
  path: '/deposits/$id',
  component: lazyRouteComponent(() => import('@/wallets/DepositDetail'), 'DepositDetail'),
});

const myAddresses = createRoute({
  getParentRoute: () => inside,
  path: '/deposit/addresses',
  validateSearch: (search: Record<string, unknown>): { asset?: string } => {
    const asset = text(search.asset);
    return asset ? { asset } : {};
  },
  beforeLoad: () => needWords('addresses'),
  component: lazyRouteComponent(() => import('@/wallets/MyAddresses'), 'MyAddresses'),
});

const addresses = createRoute({
  getParentRoute: () => inside,
  path: '/addresses',
  beforeLoad: () => needWords('addresses'),
  component: lazyRouteComponent(() => import('@/wallets/AddressBook'), 'AddressBook'),
});

const asset = createRoute({
  getParentRoute: () => inside,
  path: '/balances/$asset',
  validateSearch: readDays,
  beforeLoad: () => needWords('exchange'),
  component: lazyRouteComponent(() => import('@/wallets/AssetPage'), 'AssetPage'),
});

const PAY_STEPS = ['get', 'with', 'check', 'confirm'] as const;
export type PayStep = (typeof PAY_STEPS)[number];

const pay = createRoute({
  getParentRoute: () => inside,
  path: '/pay',
  validateSearch: (search: Record<string, unknown>): { step?: PayStep } => {
    const step = PAY_STEPS.find((known) => known === search.step);
    return step && step !== 'get' ? { step } : {};
  },
  component: lazyRouteComponent(() => import('@/transactions/Pay'), 'Pay'),
});

const withdrawal = createRoute({
  getParentRoute: () => inside,
  path: '/withdrawals/$id',
  beforeLoad: () => needWords('links'),
  component: lazyRouteComponent(() => import('@/transactions/Status'), 'Status'),
});

const transfer = createRoute({
  getParentRoute: () => inside,
  path: '/transfers/$id',
  component: lazyRouteComponent(() => import('@/transactions/TransferStatus'), 'TransferStatus'),
});

const HISTORY_KINDS = ['withdrawal', 'deposit', 'conversion', 'transfer'] as const;
export type HistoryKind = (typeof HISTORY_KINDS)[number];

const history = createRoute({
  getParentRoute: () => inside,
  path: '/history',
  validateSearch: (search: Record<string, unknown>): { kind?: HistoryKind; asset?: string } => {
    const kind = HISTORY_KINDS.find((known) => known === search.kind);
    const asset = text(search.asset);
    return { ...(kind && { kind }), ...(asset && { asset }) };
  },
  component: lazyRouteComponent(() => import('@/transactions/History'), 'History'),
});

const convert = createRoute({
  getParentRoute: () => inside,
  path: '/convert',
  validateSearch: (search: Record<string, unknown>): { from?: string; to?: string } => {
    const from = text(search.from);
    const to = text(search.to);
    return { ...(from && { from }), ...(to && { to }) };
  },
  beforeLoad: () => needWords('exchange'),
  component: lazyRouteComponent(() => import('@/exchange/Convert'), 'Convert'),
});

const conversion = createRoute({
  getParentRoute: () => inside,
  path: '/conversions/$id',
  beforeLoad: () => needWords('exchange'),
  component: lazyRouteComponent(() => import('@/exchange/ConversionDetail'), 'ConversionDetail'),
});

const security = createRoute({
  getParentRoute: () => inside,
  path: '/security',
  beforeLoad: () => needWords('auth'),
  component: lazyRouteComponent(() => import('@/auth/Security'), 'Security'),
});

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  beforeLoad: () => needWords('settings', ...(isSandbox ? (['sandbox'] as const) : [])),
  component: lazyRouteComponent(() => import('@/auth/Settings'), 'Settings'),
});

const confirmEmail = createRoute({
  getParentRoute: () => outside,
  path: '/confirm-email',
  beforeLoad: () => needWords('settings'),
  component: lazyRouteComponent(() => import('@/auth/ConfirmEmail'), 'ConfirmEmail'),
});

const webhooks = createRoute({
  getParentRoute: () => inside,
  path: '/webhooks',
  beforeLoad: () => needWords('webhooks'),
  component: lazyRouteComponent(() => import('@/webhooks/Webhooks'), 'Webhooks'),
});

const breakIt = createRoute({
  getParentRoute: () => inside,
  path: '/break',
  beforeLoad: async () => {
    if (!isSandbox) throw redirect({ to: '/' });
    await needWords('sandbox');
  },
  component: lazyRouteComponent(() => import('@/sandbox/BreakIt'), 'BreakIt'),
});

const gallery = createRoute({
  getParentRoute: () => inside,
  path: '/dev/gallery/{-$part}',
  beforeLoad: async () => {
    if (!isSandbox) throw redirect({ to: '/' });
    await needWords('dev');
  },
  component: lazyRouteComponent(() => import('@/gallery/Gallery'), 'Gallery'),
});

const desk = createRoute({
  getParentRoute: () => root,
  id: 'desk',
  component: lazyRouteComponent(() => import('@/ops/OpsFrame'), 'OpsFrame'),
  beforeLoad: ({ context, location }) => enter(context, location.href, 'ops'),
});

const ops = createRoute({
  getParentRoute: () => desk,
  path: '/ops',
  component: lazyRouteComponent(() => import('@/ops/Overview'), 'Overview'),
});

const tree = root.addChildren([
  outside.addChildren([signIn, register, confirmEmail]),
  linked.addChildren([cancelLink, freezeLink, trackLink]),
  inside.addChildren([
    home,
    asset,
    deposit,
    depositDetail,
    myAddresses,
    addresses,
    pay,
    withdrawal,
    transfer,
    history,
    convert,
    conversion,
    security,
    settings,
    webhooks,
    breakIt,
    gallery,
  ]),
  desk.addChildren([ops]),
]);

export function makeRouter(queries: QueryClient) {
  const router = createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: 'intent',
    // Query decides what is fresh.
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: RouteFailed,
    defaultPendingMs: 300,
    scrollRestoration: true,
  });
  router.subscribe('onBeforeNavigate', ({ pathChanged }) => pathChanged && forgetAsked());
  return router;
}
