// A node of its own process with a folder, moved by lines of JSON: what doors-real.test.ts runs, on the built package.
import { createInterface } from 'node:readline'
import { Swarm } from '../dist/index.js'

const swarm = new Swarm(JSON.parse(process.argv[2]))
const tell = (what, facts) => process.stdout.write(`${JSON.stringify({ what, ...facts })}\n`)
swarm.on('peer', ({ publicKey }) => tell('peer', { key: publicKey }))
swarm.on('peer-left', ({ publicKey }, reason) => tell('left', { key: publicKey, reason }))
swarm.on('error', ({ code, message }) => tell('error', { code, message }))
tell('key', { key: swarm.publicKey })
swarm.ready.then(
  () => tell('ready', {}),
  () => {},
)
for await (const line of createInterface({ input: process.stdin })) {
  const { ask, key } = JSON.parse(line)
  if (ask === 'close') {
    await swarm.close()
    process.stdin.destroy()
    break
  }
  try {
    if (ask === 'call') tell('called', { key: (await swarm.call(key)).publicKey })
    if (ask === 'known') tell('known', { keys: swarm.table.records.map(({ id }) => id) })
    if (ask === 'doors') tell('doors', { urls: swarm.table.get(key)?.servers ?? [] })
    if (ask === 'servers') tell('servers', { servers: swarm.servers.map(({ url, state }) => ({ url, state })) })
  } catch (error) {
    tell('failed', { code: error.code, message: error.message })
  }
}
