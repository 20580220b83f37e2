// npm run bench -- link …: installs, builds, then measures.
import { ready } from './ready.mjs'
import { run } from './run.mjs'

await ready({ build: ['@resilient-swarm/bench'] })
const { code } = await run([process.execPath, 'apps/bench/dist/main.js', ...process.argv.slice(2)])
process.exitCode = code
