import { defaultClientConditions, defineConfig } from 'vite'

// `vite build` bundles what users get: the packages' dist. The dev server, and `--mode source` for tests, take src instead.
export default defineConfig(({ command, mode }) => ({
  base: './',
  // pouchdb-browser is written for bundlers that know Node's `global`.
  define: { global: 'globalThis' },
  build: { target: 'es2022' },
  resolve: {
    conditions: [...(command === 'serve' || mode === 'source' ? ['@resilient-swarm/source'] : []), ...defaultClientConditions],
  },
}))
