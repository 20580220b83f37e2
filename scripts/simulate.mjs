// npm run simulate -- spread …: installs, builds, then runs the simulator with the memory that a big swarm takes.
import { ready } from './ready.mjs'
import { run } from './run.mjs'

/** Five thousand nodes that know each other take so much; fewer take less. */
const heapMebibytes = 20_000

await ready({ build: ['@resilient-swarm/simulator'] })
const heap = `--max-old-space-size=${heapMebibytes}`
const { code } = await run([process.execPath, heap, 'apps/simulator/dist/main.js', ...process.argv.slice(2)])
process.exitCode = code
