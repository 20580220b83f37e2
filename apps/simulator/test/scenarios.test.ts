import { describe, expect, it } from '@jest/globals'
import { runScenario } from '../src/run.ts'
import { SCENARIOS } from '../src/scenarios/index.ts'

const QUICK_MS = 20_000

/** Small enough for every run of the tests; what they promise is promised of these sizes as well. */
const QUICK: readonly [string, number][] = [
  ['spread', 24],
  ['spread-churn', 24],
  ['signals-10', 30],
  ['death-50', 40],
]

function scenario(name: string) {
  const found = SCENARIOS.find((one) => one.name === name)
  if (!found) throw new Error(`there is no scenario ${name}`)
  return found
}

describe('a small swarm', () => {
  it.each(QUICK)(
    'keeps what %s promises, with %i nodes',
    async (name, nodes) => {
      const { bars, failed } = await runScenario(scenario(name), { nodes, seed: 1 })
      expect({ failed, broken: bars.filter(({ passed }) => !passed) }).toEqual({ failed: undefined, broken: [] })
      expect(bars.length).toBeGreaterThan(0)
    },
    QUICK_MS,
  )

  it(
    'runs the same again with the same seed, to the last byte, and otherwise with another',
    async () => {
      const run = (seed: number) => runScenario(scenario('spread'), { nodes: 14, seed })
      const [first, again, other] = [await run(5), await run(5), await run(6)]
      expect(first.failed).toBeUndefined()
      expect(first.deliveries).toBeGreaterThan(1_000)
      expect(again.trace).toBe(first.trace)
      expect(again.bars).toEqual(first.bars)
      expect(other.trace).not.toBe(first.trace)
    },
    QUICK_MS,
  )

  it('tells when a scenario could not be played to its end', async () => {
    const broken = {
      name: 'broken',
      summary: '',
      sizes: [1],
      run: () => Promise.reject(new Error('no such swarm')),
    }
    expect(await runScenario(broken, { nodes: 1, seed: 1 })).toMatchObject({ passed: false, failed: 'no such swarm' })
  })
})
