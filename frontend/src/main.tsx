import { DirectionProvider, MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { lazy, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import '@/app/fonts.css';
import '@/app/mantine.css';
import '@/app/app.css';
import { setUpClient } from '@/app/client';
import { isSandbox, styleNonce } from '@/app/config';
import { setUpWords } from '@/app/i18n';
import { makeQueryClient } from '@/app/queries';
import { makeRouter } from '@/app/router';
import { dress, mayDress } from '@/app/stylesheet';
import { cssVariables, theme } from '@/app/theme';
import { StatusRegion } from '@/ui/announce';

/** For a sandbox alone: nobody else loads it. */
const Starting = lazy(async () => ({ default: (await import('@/app/Starting')).Starting }));

setUpClient();

const queries = makeQueryClient(() => {
  const { pathname, href } = router.state.location;
  if (pathname === '/sign-in' || pathname === '/register') return;
  queries.clear();
  void router.navigate({
    to: '/sign-in',
    search: { because: 'expired', ...(href !== '/' && { next: href }) },
  });
});
const router = makeRouter(queries);
// Out before the page is drawn, in after it stands: no moment of a decision is dressed.
router.subscribe('onBeforeLoad', ({ toLocation }) => {
  if (!mayDress(toLocation.pathname)) dress(toLocation.pathname);
});
router.subscribe('onResolved', ({ toLocation }) => dress(toLocation.pathname));

async function start(): Promise<void> {
  await setUpWords();
  const element = document.getElementById('root');
  if (!element) throw new Error('the shell has no root');
  createRoot(element).render(
    <StrictMode>
      <DirectionProvider>
        <MantineProvider
          theme={theme}
          cssVariablesResolver={cssVariables}
          defaultColorScheme="auto"
          getStyleNonce={styleNonce}
          classNamesPrefix="mantine"
        >
          <QueryClientProvider client={queries}>
            <StatusRegion />
            {isSandbox ? (
              <Suspense>
                <Starting>
                  <RouterProvider router={router} />
                </Starting>
              </Suspense>
            ) : (
              <RouterProvider router={router} />
            )}
          </QueryClientProvider>
        </MantineProvider>
      </DirectionProvider>
    </StrictMode>,
  );
}

void start();
