import { type Cast, enter, setStage } from '../cast.ts'
import type { PathFacts } from '../node-host.ts'
import { atMost, type Outcome, quantile, type Scenario, type ScenarioOptions } from '../scenario.ts'
import { pause, until } from '../until.ts'

/** One way. The relayed path has two legs of 50 ms round trip. */
const RELAY_LEG_MS = 25
const DIRECT_MS = { quick: 20, slow: 150, better: 30, alike: 2 * RELAY_LEG_MS }
const JITTER = 0.3
const MINUTES = 10
const SWITCHED_MS_MAX = 10_000
const PROBE_MS = 100
const SETTLE_MS = 3_000
/** The path's own, and what a busy machine adds. */
const RTT_MS_MAX = { relayed: 100 + 40, direct: 60 + 30 }
const NEEDLESS_SWITCHES_MAX = 1
const LOOK_MS = 500

/** The better path wins, whichever it is, and chance does not drive the session to and fro. */
export const slowDirect: Scenario = {
  name: 'slow-direct',
  summary: 'the direct path grows slow beside a relay, then fast again: the session follows, and jitter does not drive it',
  quick: false,
  run,
}

async function run({ lab, minutes = MINUTES, tell }: ScenarioOptions): Promise<Outcome> {
  const stage = await setStage(lab, { ruth: { line: { delayMs: RELAY_LEG_MS } } })
  const line = await lab.layDirectLine(stage.alice, stage.bob, { delayMs: DIRECT_MS.quick })
  const cast = await enter(stage, 'slow-direct')
  try {
    const { alice, bob } = cast
    await alice.reach(bob.key)
    await until(async () => (await alice.path(bob.key))?.kind === 'webrtc', { timeoutMs: SWITCHED_MS_MAX })
    await alice.probe(bob.key, PROBE_MS)

    await line.shape({ delayMs: DIRECT_MS.slow })
    const relayed = await follow(cast, 'circuit')
    tell(`direct slow: relayed after ${Math.round(relayed.switchedMs)} ms, round trips of ${Math.round(relayed.rttMs)} ms`)

    await line.shape({ delayMs: DIRECT_MS.better })
    const direct = await follow(cast, 'webrtc')
    tell(`direct better: direct after ${Math.round(direct.switchedMs)} ms, round trips of ${Math.round(direct.rttMs)} ms`)

    // The hardest for a choice: both alike, so that chance alone makes now one and now the other look better.
    await Promise.all([
      line.shape({ delayMs: DIRECT_MS.alike, jitter: JITTER }),
      stage.relays[0]?.uplink?.shape({ jitter: JITTER }),
    ])
    const switches = await countSwitches(cast, minutes * 60_000)
    tell(`${minutes} min of jitter: ${switches} switches`)

    return {
      rows: [
        {
          direct: `${2 * DIRECT_MS.slow} ms`,
          path: 'relayed',
          'after, ms': Math.round(relayed.switchedMs),
          'rtt, ms': Math.round(relayed.rttMs),
        },
        {
          direct: `${2 * DIRECT_MS.better} ms`,
          path: 'direct',
          'after, ms': Math.round(direct.switchedMs),
          'rtt, ms': Math.round(direct.rttMs),
        },
      ],
      bars: [
        atMost('to the relay after', relayed.switchedMs, SWITCHED_MS_MAX, 'ms'),
        atMost('round trip by the relay', relayed.rttMs, RTT_MS_MAX.relayed, 'ms'),
        atMost('back to direct after', direct.switchedMs, SWITCHED_MS_MAX, 'ms'),
        atMost('round trip when direct', direct.rttMs, RTT_MS_MAX.direct, 'ms'),
        atMost(`needless switches in ${minutes} min of jitter`, switches, NEEDLESS_SWITCHES_MAX),
      ],
    }
  } finally {
    await cast.end()
  }
}

/** Waits for the session to take the other kind of path, then asks the application for its round trips. */
async function follow({ alice, bob }: Cast, kind: string): Promise<{ switchedMs: number; rttMs: number }> {
  const isThere = async () => (await alice.path(bob.key))?.kind === kind && (await bob.path(alice.key))?.kind === kind
  const switchedMs = await until(isThere, { timeoutMs: 2 * SWITCHED_MS_MAX })
  await pause(SETTLE_MS / 3) // what was under way on the other path
  await alice.roundTrips(bob.key)
  await pause(SETTLE_MS)
  const trips = await alice.roundTrips(bob.key)
  return {
    switchedMs,
    rttMs: quantile(
      trips.map(({ rttMs }) => rttMs),
      0.5,
    ),
  }
}

async function countSwitches({ alice, bob }: Cast, forMs: number): Promise<number> {
  const name = (path: PathFacts | undefined) => `${path?.kind} ${path?.via ?? ''}`
  const endMs = performance.now() + forMs
  let [switches, before] = [0, name(await alice.path(bob.key))]
  while (performance.now() < endMs) {
    await pause(LOOK_MS)
    const now = name(await alice.path(bob.key))
    if (now !== before) switches += 1
    before = now
  }
  return switches
}
