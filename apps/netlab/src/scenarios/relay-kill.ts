import { enter, setStage } from '../cast.ts'
import { type Interruption, interrupt, interruptionBars, interruptionRow } from '../interruption.ts'
import { all, type Outcome, type Scenario, type ScenarioOptions } from '../scenario.ts'

const ROUNDS = 30

/** The relay in use is killed under a transfer while a second one stands by. */
export const relayKill: Scenario = {
  name: 'relay-kill',
  summary: 'the relay is killed in the middle of 64 MiB; another takes over, nothing is lost or comes twice',
  quick: false,
  run,
}

async function run({ lab, rounds = ROUNDS, tell }: ScenarioOptions): Promise<Outcome> {
  const stage = await setStage(lab, { ruth: {}, rita: {} })
  await lab.block('udp', stage.alice, stage.bob)
  const seen: Interruption[] = []
  for (let round = 1; round <= rounds; round++) {
    const cast = await enter(stage, `relay-kill ${round}`)
    try {
      await cast.alice.reach(cast.bob.key)
      const killRelay = async (via: string | undefined) => {
        const relay = cast.relays.find(({ key }) => key === via)
        if (!relay) throw new Error(`alice sends through ${via ?? 'nobody'}, who is no relay of ours`)
        await relay.kill()
      }
      const result = await interrupt(cast, { strike: (path) => killRelay(path?.via) })
      seen.push(result)
      tell(`round ${round}: ${Math.round(result.longestGapMs)} ms, ${result.isWhole ? 'whole' : 'BROKEN'}`)
    } finally {
      await cast.end()
    }
  }
  const switched = seen.map(({ before, after }) => before?.kind === 'circuit' && after?.via !== before.via)
  return {
    rows: seen.map((result, index) => interruptionRow(index + 1, result)),
    bars: [all('transfers that changed relays', switched), ...interruptionBars(seen)],
  }
}
