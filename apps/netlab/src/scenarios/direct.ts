import { startNode } from '../node-client.ts'
import { atLeast, atMost, type Outcome, quantile, type Scenario, type ScenarioOptions } from '../scenario.ts'
import { startServers } from '../servers.ts'
import { pause, until } from '../until.ts'

const MIB = 1024 * 1024
const TRANSFER_BYTES = 16 * MIB
const DELAY_MS = 40
const PROBE_MS = 20
const PROBED_MS = 1_000
/** The delay, and what processes on a busy machine add. */
const TRIP_MS_MAX = DELAY_MS + 30
const SEEN_WITHIN_MS = 20_000
const LOST_WITHIN_MS = 10_000
const BACK_WITHIN_MS = 10_000

/** The least that has to work: two open hosts, one of them on a line that grows slow and is cut. */
export const direct: Scenario = {
  name: 'direct',
  summary: 'two open hosts: first byte, a transfer, a delay that the round trip shows, a cut that both notice and survive',
  quick: true,
  run,
}

async function run({ lab, tell }: ScenarioOptions): Promise<Outcome> {
  const { signalUrl } = await startServers(await lab.addHost('servers'))
  const [aliceHost, bobHost] = [await lab.addHost('alice'), await lab.addHost('bob', { line: {} })]
  const join = { signalUrl, network: 'direct' }
  const [alice, bob] = await Promise.all([startNode(aliceHost, join), startNode(bobHost, join)])

  const reached = await alice.reach(bob.key)
  tell(`reached in ${Math.round(reached.tookMs)} ms by ${reached.path.kind}`)

  const receiving = bob.received({ timeoutMs: SEEN_WITHIN_MS })
  const sent = await alice.send(bob.key, { bytes: TRANSFER_BYTES, seed: 1 })
  const received = await receiving
  const isWhole = received.sha256 === sent.sha256 && received.bytes === TRANSFER_BYTES
  tell(`transferred ${TRANSFER_BYTES / MIB} MiB in ${Math.round(received.tookMs)} ms`)

  const rttMs = async () => (await alice.path(bob.key))?.rttMs ?? Number.NaN
  await until(async () => (await rttMs()) < DELAY_MS / 4, { timeoutMs: SEEN_WITHIN_MS }) // what the transfer made of it
  await bobHost.uplink?.shape({ delayMs: DELAY_MS / 2 })
  const seesDelay = async () => (await rttMs()) >= DELAY_MS / 2 // it is smoothed
  const delaySeenMs = await until(seesDelay, { timeoutMs: SEEN_WITHIN_MS })
  tell(`the delay was seen after ${Math.round(delaySeenMs)} ms`)

  await alice.probe(bob.key, PROBE_MS)
  await pause(PROBED_MS)
  const tripMs = quantile(
    (await alice.roundTrips(bob.key)).map(({ rttMs }) => rttMs),
    0.5,
  )
  tell(`an application's round trip takes ${Math.round(tripMs)} ms`)

  const nodes = [
    { node: alice, other: bob.key },
    { node: bob, other: alice.key },
  ]
  const toldByBoth = async (event: 'reconnecting' | 'reconnected', change: () => Promise<void>) => {
    const startedMs = performance.now()
    await Promise.all([...nodes.map(({ node, other }) => node.next(event, other, { timeoutMs: SEEN_WITHIN_MS })), change()])
    return performance.now() - startedMs
  }
  const cutSeenMs = await toldByBoth('reconnecting', () => lab.cutOff(bobHost))
  tell(`the cut was noticed by both after ${Math.round(cutSeenMs)} ms`)
  const backMs = await toldByBoth('reconnected', () => lab.restore(bobHost))
  tell(`both were back after ${Math.round(backMs)} ms`)

  return {
    rows: [
      { what: 'first byte', ms: Math.round(reached.tookMs), how: reached.path.kind },
      { what: 'transfer', ms: Math.round(received.tookMs), how: isWhole ? 'whole' : 'broken' },
      { what: 'delay seen', ms: Math.round(delaySeenMs), how: `${DELAY_MS} ms` },
      { what: 'round trip of the application', ms: Math.round(tripMs), how: `${DELAY_MS} ms` },
      { what: 'cut noticed', ms: Math.round(cutSeenMs), how: 'reconnecting' },
      { what: 'back again', ms: Math.round(backMs), how: 'reconnected' },
    ],
    bars: [
      { what: 'path', measured: reached.path.kind, bar: 'webrtc', passed: reached.path.kind === 'webrtc' },
      atMost('first byte', reached.tookMs, 2_000, 'ms'),
      atLeast('bytes that arrived unharmed', isWhole ? TRANSFER_BYTES : 0, TRANSFER_BYTES),
      atMost('delay seen after', delaySeenMs, SEEN_WITHIN_MS, 'ms'),
      atLeast('round trip of the application', tripMs, DELAY_MS, 'ms'),
      atMost('round trip of the application', tripMs, TRIP_MS_MAX, 'ms'),
      atMost('cut noticed by both after', cutSeenMs, LOST_WITHIN_MS, 'ms'),
      atMost('reconnected after', backMs, BACK_WITHIN_MS, 'ms'),
    ],
  }
}
