import 'i18next';
import type addresses from '../../public/locales/en/addresses.json';
import type app from '../../public/locales/en/app.json';
import type auth from '../../public/locales/en/auth.json';
import type dev from '../../public/locales/en/dev.json';
import type exchange from '../../public/locales/en/exchange.json';
import type links from '../../public/locales/en/links.json';
import type ops from '../../public/locales/en/ops.json';
import type problems from '../../public/locales/en/problems.json';
import type sandbox from '../../public/locales/en/sandbox.json';
import type settings from '../../public/locales/en/settings.json';
import type tour from '../../public/locales/en/tour.json';
import type transactions from '../../public/locales/en/transactions.json';
import type ui from '../../public/locales/en/ui.json';
import type wallets from '../../public/locales/en/wallets.json';
import type webhooks from '../../public/locales/en/webhooks.json';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'app';
    resources: {
      addresses: typeof addresses;
      app: typeof app;
      auth: typeof auth;
      exchange: typeof exchange;
      links: typeof links;
      problems: typeof problems;
      sandbox: typeof sandbox;
      settings: typeof settings;
      dev: typeof dev;
      ops: typeof ops;
      tour: typeof tour;
      transactions: typeof transactions;
      ui: typeof ui;
      wallets: typeof wallets;
      webhooks: typeof webhooks;
    };
    returnNull: false;
  }
}
