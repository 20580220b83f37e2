// npm run netlab -- direct …: installs, builds, sees to the network tools, then runs real nodes in network namespaces.
import { ensureNetworkTools } from './network-tools.mjs'
import { ready } from './ready.mjs'
import { run } from './run.mjs'

await ready({ build: ['@resilient-swarm/netlab'] })
await ensureNetworkTools()
const { code } = await run([process.execPath, 'apps/netlab/dist/main.js', ...process.argv.slice(2)])
process.exitCode = code
