// npm run notes: installs, builds, then serves the shared notes and keeps them in Node too.
import { ready } from './ready.mjs'

await ready({ build: ['@resilient-swarm/notes'] })
await import('../apps/notes/node/start.mjs')
