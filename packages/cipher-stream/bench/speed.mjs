// How fast records are sealed and opened, both ends on one core, and what a handshake takes. Build first: npm run build.
import { secureChannel } from '@resilient-swarm/cipher-stream'
import { createRuntime } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'

const ROUNDS = 7
const RECORDS = 8_000
const HANDSHAKES = 100

/** Ends in memory; `direct` hands messages over in the same turn, without a copy. */
function createEnds() {
  const create = () => ({
    maxMessageBytes: 16 * 1024,
    onMessage() {},
    onDrain() {},
    close() {},
    abort() {},
    closed: new Promise(() => {}),
  })
  const [left, right] = [create(), create()]
  const connect = (from, to, direct) => {
    from.send = (message) => {
      if (direct) to.onMessage(message)
      else queueMicrotask(() => to.onMessage(message))
      return true
    }
  }
  connect(left, right, false)
  connect(right, left, false)
  return { left, right, makeDirect: () => connect(left, right, true) }
}

async function createPair() {
  const path = { network: 'public', kind: 'memory', binding: new Uint8Array(64), runtime: createRuntime() }
  const ends = createEnds()
  const [alice, bob] = await Promise.all([
    secureChannel({ ...path, channel: ends.left, role: 'initiator', keyPair: keys[0] }),
    secureChannel({ ...path, channel: ends.right, role: 'responder', keyPair: keys[1] }),
  ])
  return { alice, bob, makeDirect: ends.makeDirect }
}

function measure(alice, byteCount) {
  const message = new Uint8Array(byteCount)
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()]
  for (let index = 0; index < RECORDS; index++) alice.send(message)
  const cpu = process.cpuUsage(startCpu)
  return { wallUs: (performance.now() - startMs) * 1000, cpuUs: cpu.user + cpu.system }
}

function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]
}

const keys = [createKeyPair(), createKeyPair()]
const { alice, bob, makeDirect } = await createPair()
makeDirect()
bob.onMessage = () => {}
for (const byteCount of [100, 1_024, alice.maxMessageBytes]) {
  measure(alice, byteCount)
  const rounds = Array.from({ length: ROUNDS }, () => measure(alice, byteCount))
  const wallUs = median(rounds.map((round) => round.wallUs)) / RECORDS
  const cpuUs = median(rounds.map((round) => round.cpuUs)) / RECORDS
  const rate = `${(byteCount / wallUs).toFixed(0)} MB/s, ${(byteCount / cpuUs).toFixed(0)} MB per second of processor time`
  console.log(`${byteCount} bytes: ${wallUs.toFixed(1)} µs to seal and open, ${rate}`)
}
const startMs = performance.now()
for (let index = 0; index < HANDSHAKES; index++) await createPair()
console.log(`handshake, both sides: ${((performance.now() - startMs) / HANDSHAKES).toFixed(2)} ms`)
