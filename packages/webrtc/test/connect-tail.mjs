// How long connects take, and how many are late: node test/connect-tail.mjs [count], after a build.
// The second run undoes what src/offer-answer.ts does about the DTLS roles, the third and fourth are other implementations.

import { createRuntime } from '@resilient-swarm/contract'
import wrtc from '@roamhq/wrtc'
import { webrtc } from '../dist/index.js'

const LATE_MS = 500
const count = Number(process.argv[2] ?? 200)
const runtime = createRuntime()
const never = new AbortController().signal
const ndc = webrtc()
const roamhq = webrtc({ rtc: wrtc })

await measure('node-datachannel, offerer is the DTLS client', ndc, ndc)
await measure('node-datachannel, answerer is the DTLS client', ndc, ndc, (signal) =>
  signal.kind === 'offer' ? { ...signal, sdp: signal.sdp.replace('a=setup:active', 'a=setup:actpass') } : signal,
)
await measure('node-datachannel to @roamhq/wrtc', ndc, roamhq)
await measure('@roamhq/wrtc to node-datachannel', roamhq, ndc)

async function measure(name, alice, bob, change = (signal) => signal) {
  const times = []
  let offers = 0
  for (let index = 0; index < count; index++) {
    const startedMs = performance.now()
    const { paths, offerCount } = await connect(alice, bob, change)
    times.push(performance.now() - startedMs)
    offers += offerCount
    paths[0].channel.close()
    await Promise.all(paths.map(({ channel }) => channel.closed))
  }
  times.sort((one, other) => one - other)
  const at = (part) => `${times[Math.min(count - 1, Math.floor(count * part))].toFixed(1)} ms`
  const late = times.filter((ms) => ms > LATE_MS).length
  console.log(
    `${name}: median ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, late ${late} of ${count}, second offers ${offers - count}`,
  )
}

async function connect(alice, bob, change) {
  let offerCount = 0
  const [forAlice, forBob] = [createLine(), createLine()]
  forAlice.deliver = (signal) => {
    if (signal.kind === 'offer') offerCount++
    forBob.take(change(signal))
  }
  forBob.deliver = (signal) => forAlice.take(signal)
  let answer
  const listening = bob.listen({ runtime, accept() {}, onAttempt: (register) => (answer = register) })
  const paths = await Promise.all([
    alice.dial('bob', { runtime, signals: forAlice, signal: never }),
    answer({ from: 'alice', signals: forBob, signal: never }),
  ])
  listening.close()
  return { paths, offerCount }
}

function createLine() {
  const waiting = []
  let receive
  const line = {
    attempt: '00'.repeat(16),
    deliver() {},
    take: (signal) => (receive ? receive(signal) : waiting.push(signal)),
    send: async (signal) => queueMicrotask(() => line.deliver(structuredClone(signal))),
    get onSignal() {
      return receive
    },
    set onSignal(listener) {
      receive = listener
      for (const signal of waiting.splice(0)) receive(signal)
    },
  }
  return line
}
