import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Every module lies in a layer: what an operator's stylesheet says afterwards counts, whatever our selectors weigh. */
const layered: Plugin = {
  name: 'layered-modules',
  enforce: 'pre',
  transform: (code, id) =>
    /\.module\.css$/.test(id) ? { code: `@layer rooms {\n${code}\n}`, map: null } : null,
};

export default defineConfig({
  plugins: [layered, react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: '../backend/tidegate/web',
    emptyOutDir: true,
    manifest: true,
    sourcemap: false,
    // Fonts as data: would break font-src 'self'.
    assetsInlineLimit: 0,
    // Every browser that runs this app knows modulepreload.
    modulePreload: { polyfill: false },
  },
  server: {
    port: 5173,
    proxy: {
      '/api': 'http://localhost:8000',
      '/docs': 'http://localhost:8000',
      '/redoc': 'http://localhost:8000',
    },
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
  },
});
