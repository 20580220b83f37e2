// One node of the README example in a process of its own: does what its parent says, tells what happens.
import { Swarm } from 'resilient-swarm'

/**
 * Round trips, records, and the direct path of a pair that met through the third are still on their way when the sixth line is
 * printed; this long they may take.
 */
const settleTimeoutMs = 1_500
const pollMs = 20
/** Of everything that a call tried. */
const notesTold = 3

const swarm = new Swarm()
const errors = []
const called = []
swarm.on('peer', (peer) => tell({ kind: 'peer', key: peer.publicKey }))
swarm.on('error', (error) => errors.push(inWords(error)))

const commands = {
  call: ({ key }) => {
    called.push(key)
    return swarm.call(key)
  },
  report: async ({ peers }) => tell({ kind: 'report', ...(await settledReport(peers)) }),
  trouble: () => tell({ kind: 'trouble', errors: [...errors, ...serverTrouble(), ...called.flatMap(callTrouble)] }),
  close: async () => {
    await swarm.close()
    process.disconnect()
  },
}

process.on('message', async (command) => {
  try {
    await commands[command.kind](command)
  } catch (error) {
    errors.push(`${command.kind} failed: ${inWords(error)}`)
  }
})
// Ctrl-C reaches every process of the terminal; this one closes when its parent says so, or is gone.
process.on('SIGINT', () => {})
process.once('disconnect', () => swarm.destroy())
tell({ kind: 'key', key: swarm.publicKey })

async function settledReport(peers) {
  const until = Date.now() + settleTimeoutMs
  const isSettled = () =>
    swarm.peers.every(({ path, rttMs }) => !path.via && rttMs !== undefined) && swarm.table.records.length > peers
  while (Date.now() < until && !isSettled()) {
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  const paths = swarm.peers.map((peer) => ({ key: peer.publicKey, kind: peer.path.kind, via: peer.path.via, rttMs: peer.rttMs }))
  return { paths, records: swarm.table.records.length }
}

function serverTrouble() {
  return swarm.servers.filter(({ state }) => state !== 'registered').map(({ url, state }) => `${url} is ${state}`)
}

/** The last that was tried to reach a key. */
function callTrouble(key) {
  return swarm
    .why(key)
    .slice(-notesTold)
    .map(({ text }) => `to ${key}: ${text}`)
}

function tell(message) {
  if (process.connected) process.send(message)
}

function inWords(error) {
  return `${error?.code ? `${error.code}: ` : ''}${error?.message ?? error}`
}
