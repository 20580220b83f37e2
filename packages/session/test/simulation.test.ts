import { describe, expect, it } from '@jest/globals'
import { type Story, simulate } from './simulation.ts'

const RUNS = Number(process.env.RUNS ?? 1_000)
const SEED = process.env.SEED

describe('two sessions over paths that come, go, stall and die', () => {
  it(`deliver everything once and in order, and agree on the end${SEED ? ` (seed ${SEED})` : ''}`, async () => {
    if (SEED) {
      await simulate(Number(SEED)) // SEED=… repeats one run
      return
    }
    const base = Date.now() % 1_000_000_000
    const stories: Story[] = []
    for (let run = 0; run < RUNS; run++) stories.push(await simulate(base + run))
    const sum = (name: keyof Story) => stories.reduce((total, story) => total + Number(story[name]), 0)
    for (const name of Object.keys(stories[0] as Story) as (keyof Story)[])
      expect([name, sum(name) > RUNS / 50]).toEqual([name, true])
    if (process.env.STORY)
      process.stdout.write(
        `${JSON.stringify(Object.fromEntries(Object.keys(stories[0] as Story).map((name) => [name, sum(name as keyof Story)])))}\n`,
      )
  }, 120_000)
})
