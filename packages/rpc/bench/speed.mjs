// Calls a second between two sessions in one process (both ends on one core), and the latency that one call adds.
// Run after a build: node bench/speed.mjs
import { createRuntime } from '@resilient-swarm/contract'
import { createRpcSession } from '../dist/index.js'

function createPair() {
  const end = () => ({
    type: 'dnode',
    other: undefined,
    raw() {
      return this
    },
    readable: undefined,
    writable: undefined,
    closed: new Promise(() => {}),
  })
  const [one, two] = [end(), end()]
  for (const [from, to] of [
    [one, two],
    [two, one],
  ]) {
    Object.assign(from, { onBytes() {}, onEnd() {}, onDrain() {}, consume() {}, end() {}, reset() {} })
    from.write = (bytes) => {
      queueMicrotask(() => to.onBytes(bytes))
      return true
    }
  }
  return [one, two]
}

const runtime = createRuntime()

async function measure({ inFlight, calls }) {
  const [aliceEnd, bobEnd] = createPair()
  const alice = createRpcSession({ substream: aliceEnd, methods: {}, runtime })
  const bob = createRpcSession({ substream: bobEnd, methods: { sum: (left, right) => left + right }, runtime })
  await alice.ready
  let left = calls
  const caller = async () => {
    while (left-- > 0) await alice.remote.sum(1, 2)
  }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: inFlight }, caller))
  const elapsedMs = performance.now() - startMs
  alice.close()
  bob.close()
  return {
    inFlight,
    calls,
    perSecond: Math.round((calls / elapsedMs) * 1000),
    microsecondsPerCall: Number(((elapsedMs * 1000) / calls).toFixed(2)),
  }
}

await measure({ inFlight: 64, calls: 50_000 })
const rounds = []
for (let round = 0; round < 5; round++) {
  rounds.push([await measure({ inFlight: 64, calls: 200_000 }), await measure({ inFlight: 1, calls: 50_000 })])
}
const median = (list, by) => list.sort((one, other) => by(one) - by(other))[Math.floor(list.length / 2)]
console.log(
  JSON.stringify({
    parallel: median(
      rounds.map(([parallel]) => parallel),
      (result) => result.perSecond,
    ),
    sequential: median(
      rounds.map(([, sequential]) => sequential),
      (result) => result.microsecondsPerCall,
    ),
  }),
)
