import { enter, setStage } from '../cast.ts'
import { type Interruption, interrupt, interruptionBars, interruptionRow } from '../interruption.ts'
import { all, type Outcome, type Scenario, type ScenarioOptions } from '../scenario.ts'
import { until } from '../until.ts'

const ROUNDS = 30
/** A relayed path may be there first. */
const DIRECT_MS = 20_000

/** The direct path falls silent under a transfer: no word from any router, packets just vanish. */
export const directCut: Scenario = {
  name: 'direct-cut',
  summary: 'the direct path is cut silently in the middle of 64 MiB; a relay takes over, nothing is lost or comes twice',
  quick: false,
  run,
}

async function run({ lab, rounds = ROUNDS, tell }: ScenarioOptions): Promise<Outcome> {
  const stage = await setStage(lab, { ruth: {} })
  const seen: Interruption[] = []
  for (let round = 1; round <= rounds; round++) {
    const cast = await enter(stage, `direct-cut ${round}`)
    try {
      await cast.alice.reach(cast.bob.key)
      const isDirect = async () => (await cast.alice.path(cast.bob.key))?.kind === 'webrtc'
      await until(isDirect, { timeoutMs: DIRECT_MS })
      const result = await interrupt(cast, { strike: () => lab.block('everything', stage.alice, stage.bob) })
      seen.push(result)
      tell(`round ${round}: ${Math.round(result.longestGapMs)} ms, ${result.isWhole ? 'whole' : 'BROKEN'}`)
    } finally {
      await lab.unblock('everything', stage.alice, stage.bob)
      await cast.end()
    }
  }
  const switched = seen.map(({ before, after }) => before?.kind === 'webrtc' && after?.kind === 'circuit')
  return {
    rows: seen.map((result, index) => interruptionRow(index + 1, result)),
    bars: [all('transfers that moved to the relay', switched), ...interruptionBars(seen)],
  }
}
