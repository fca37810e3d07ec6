import { defineConfig } from '@hey-api/openapi-ts';

// OPENAPI lets a reviewer generate from another export; the committed client comes from the committed document.
export default defineConfig({
  input: process.env.OPENAPI ?? '../clients/openapi.json',
  output: { path: 'src/client' },
  plugins: [
    '@hey-api/client-fetch',
    '@hey-api/typescript',
    '@hey-api/sdk',
    { name: '@tanstack/react-query', queryOptions: true, infiniteQueryOptions: false },
  ],
});
