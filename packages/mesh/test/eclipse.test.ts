import { afterEach, describe, expect, it } from '@jest/globals'
import { createVirtualClock } from '@resilient-swarm/testkit'
import { createCluster } from './cluster.ts'

let cluster: ReturnType<typeof createCluster>
afterEach(() => cluster.end())

const HONEST = 40
const MALLORYS = 100

describe('a swarm that mallory comes into with many keys, which call everybody, are near to all and never let go', () => {
  it('stays one by the links of the honest alone', async () => {
    const clock = createVirtualClock()
    cluster = createCluster({ clock, seed: 1 })
    while (cluster.members.size < HONEST) {
      cluster.join()
      await clock.advance(200)
    }
    await clock.advance(30_000)
    const honest = [...cluster.members.keys()]
    for (let count = 0; count < MALLORYS; count++) {
      cluster.joinMallory({ victim: honest[count % HONEST] as (typeof honest)[number] })
      await clock.advance(50)
    }
    await clock.advance(60_000)
    const { degrees, share } = cluster.honestPart()
    process.stdout.write(`honest links of ${HONEST} among ${MALLORYS}: ${degrees.join(' ')}\n`)
    expect(share).toBe(1)
    expect(degrees[0]).toBeGreaterThanOrEqual(2)
  }, 120_000)
})
