import { type Cast, enter, type Stage, setStage } from '../cast.ts'
import { interrupt } from '../interruption.ts'
import type { Lab } from '../lab.ts'
import type { LabNode } from '../node-client.ts'
import { all, atMost, type Bar, type Outcome, type Scenario, type ScenarioOptions } from '../scenario.ts'
import { endingOf, pause } from '../until.ts'

const MIB = 1024 * 1024
const SHORT_MS = 10_000
/** From the moment the network is back. */
const RECOVERED_MS_MAX = 10_000
/** 30 s of patience, and the seconds until both see that all paths are gone. */
const LOST_MS_MAX = 45_000
/** What a node may hold for a peer that does not answer: a send window and the application's credit, with room for garbage. */
const GROWTH_MIB_MAX = 64
const MEMORY_LOOK_MS = 500
const CLOSED_MS_MAX = 2_000

/** Nothing gets through at all, for ten seconds and for good. */
export const outage: Scenario = {
  name: 'outage',
  summary: 'all paths gone for 10 s: the transfer goes on after it; gone for good: both sides are told, and nothing hangs',
  quick: false,
  run,
}

async function run({ lab, tell }: ScenarioOptions): Promise<Outcome> {
  const stage = await setStage(lab, { ruth: {} })
  const short = await play(stage, 'outage short', (cast) => survive({ lab, stage, cast }))
  tell(`10 s: ${short.isWhole ? 'whole' : 'BROKEN'}, went on ${Math.round(short.recoveredMs)} ms after the network was back`)
  const long = await play(stage, 'outage long', (cast) => loseForGood({ lab, stage, cast }))
  tell(`for good: ${long.codes.join(' and ')} after ${Math.round(long.lostMs)} ms, ${Math.round(long.growthMib)} MiB more`)
  const bars: readonly Bar[] = [
    all('transfers that survived 10 s', [short.isWhole]),
    atMost('went on after', short.recoveredMs, RECOVERED_MS_MAX, 'ms'),
    all(
      'sides told ERR_PATH_LOST',
      long.codes.map((code) => code === 'ERR_PATH_LOST'),
    ),
    atMost('told after', long.lostMs, LOST_MS_MAX, 'ms'),
    all(
      'ends of the transfer that failed',
      long.endings.map((kind) => kind === 'failed'),
    ),
    atMost('memory grew by', long.growthMib, GROWTH_MIB_MAX, 'MiB'),
    atMost('closed after', long.closedMs, CLOSED_MS_MAX, 'ms'),
  ]
  return {
    rows: [
      { outage: '10 s', ended: short.isWhole ? 'whole' : 'broken', 'after, ms': Math.round(short.recoveredMs) },
      { outage: 'for good', ended: long.codes.join(', '), 'after, ms': Math.round(long.lostMs) },
    ],
    bars,
  }
}

async function play<Value>(stage: Stage, network: string, act: (cast: Cast) => Promise<Value>): Promise<Value> {
  const cast = await enter(stage, network)
  try {
    await cast.alice.reach(cast.bob.key)
    return await act(cast)
  } finally {
    await cast.end()
  }
}

interface Scene {
  readonly lab: Lab
  readonly stage: Stage
  readonly cast: Cast
}

async function survive({ lab, stage, cast }: Scene): Promise<{ isWhole: boolean; recoveredMs: number }> {
  const strike = async () => {
    await lab.cutOff(stage.bob)
    await pause(SHORT_MS)
    await lab.restore(stage.bob)
  }
  const { isWhole, longestGapMs } = await interrupt(cast, { strike })
  return { isWhole, recoveredMs: longestGapMs - SHORT_MS }
}

async function loseForGood({ lab, stage, cast: { alice, bob } }: Scene) {
  const timeoutMs = LOST_MS_MAX + 15_000
  const told = (node: LabNode, key: string) =>
    node.next('peer-left', key, { timeoutMs }).then(
      ({ code }) => String(code),
      () => 'never told',
    )
  const receiveEnding = endingOf(bob.received({ timeoutMs: 2 * timeoutMs }), { timeoutMs })
  const sendEnding = endingOf(alice.send(bob.key, { bytes: 1_024 * MIB, seed: 2 }), { timeoutMs })
  await bob.arrived(16 * MIB, { timeoutMs })
  const stopWatch = watchGrowth([alice, bob])
  const [toldAlice, toldBob] = [told(alice, bob.key), told(bob, alice.key)]
  const cutMs = performance.now()
  await lab.cutOff(stage.bob)
  const codes = await Promise.all([toldAlice, toldBob])
  const lostMs = performance.now() - cutMs
  const growthMib = await stopWatch()
  const endings = (await Promise.all([sendEnding, receiveEnding])).map(({ kind }) => kind)
  const closingMs = performance.now()
  await endingOf(Promise.all([alice.close(), bob.close()]), { timeoutMs })
  const closedMs = performance.now() - closingMs
  await lab.restore(stage.bob)
  return { codes, lostMs, growthMib, endings, closedMs }
}

/** Looks at the resident memory until told to stop; then, the most by which one of the nodes grew. */
function watchGrowth(nodes: readonly LabNode[]): () => Promise<number> {
  let isOver = false
  const residentMib = async (node: LabNode) => (await node.stats()).memory.rss / MIB
  const watching = Promise.all(
    nodes.map(async (node) => {
      const before = await residentMib(node)
      let most = before
      while (!isOver) {
        await pause(MEMORY_LOOK_MS)
        most = Math.max(most, await residentMib(node))
      }
      return most - before
    }),
  )
  return async () => {
    isOver = true
    return Math.max(...(await watching))
  }
}
