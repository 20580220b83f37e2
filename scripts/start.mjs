// npm start: installs, builds, then runs the README example as three processes and serves the demo page.
import { ready } from './ready.mjs'

await ready({ build: ['@resilient-swarm/demo'] })
await import('../apps/demo/example/start.mjs')
