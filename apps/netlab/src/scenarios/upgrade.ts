import { enter, setStage } from '../cast.ts'
import { type Interruption, interrupt, interruptionRow } from '../interruption.ts'
import { all, atMost, type Outcome, type Scenario, type ScenarioOptions } from '../scenario.ts'
import { until } from '../until.ts'

const MIB = 1024 * 1024
const BYTES = 96 * MIB
const STRIKE_AT_BYTES = 4 * MIB
/** Slow enough that the transfer lasts until the direct path is found and longer. */
const BYTES_PER_SECOND = 2 * MIB
const UPGRADE_MS = 40_000
const PAUSE_MS_MAX = 100

/** A way to the peer opens that was shut: the session moves to it, and the application does not notice. */
export const upgrade: Scenario = {
  name: 'upgrade',
  summary: 'a transfer begins relayed, then UDP gets through: it goes on directly, without a pause',
  quick: false,
  run,
}

async function run({ lab, rounds = 1, tell }: ScenarioOptions): Promise<Outcome> {
  const stage = await setStage(lab, { ruth: {} })
  const seen: (Interruption & { upgradedMs: number })[] = []
  for (let round = 1; round <= rounds; round++) {
    await lab.block('udp', stage.alice, stage.bob)
    const cast = await enter(stage, `upgrade ${round}`)
    try {
      const { alice, bob } = cast
      await alice.reach(bob.key)
      let upgradedMs = Number.NaN
      const strike = async () => {
        await lab.unblock('udp', stage.alice, stage.bob)
        const isDirect = async () => (await alice.path(bob.key))?.kind === 'webrtc'
        upgradedMs = await until(isDirect, { timeoutMs: UPGRADE_MS })
        tell(`round ${round}: direct after ${Math.round(upgradedMs)} ms`)
      }
      const pace = { bytes: BYTES, strikeAtBytes: STRIKE_AT_BYTES, bytesPerSecond: BYTES_PER_SECOND }
      seen.push({ ...(await interrupt(cast, { ...pace, strike })), upgradedMs })
    } finally {
      await cast.end()
    }
  }
  const moved = seen.map(({ before, after }) => before?.kind === 'circuit' && after?.kind === 'webrtc')
  return {
    rows: seen.map((result, index) => ({
      ...interruptionRow(index + 1, result),
      'direct after, ms': Math.round(result.upgradedMs),
    })),
    bars: [
      all('transfers that went on directly', moved),
      all(
        'transfers that arrived whole',
        seen.map(({ isWhole }) => isWhole),
      ),
      atMost('longest pause', Math.max(...seen.map(({ longestGapMs }) => longestGapMs)), PAUSE_MS_MAX, 'ms'),
    ],
  }
}
