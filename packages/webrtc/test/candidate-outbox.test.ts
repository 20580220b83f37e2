import { describe, expect, it } from '@jest/globals'
import { Scope } from '@resilient-swarm/contract'
import { createVirtualClock } from '@resilient-swarm/testkit'
import { CandidateOutbox } from '../src/candidate-outbox.ts'
import { CANDIDATE_BATCH_MS, FIRST_CANDIDATES_MS, LOCAL_CANDIDATES_MAX } from '../src/limits.ts'

function stage() {
  const clock = createVirtualClock()
  const scope = new Scope()
  const told: [sdp: string | undefined, candidates: number][] = []
  const outbox = new CandidateOutbox({ clock, scope, send: (sdp, candidates) => told.push([sdp, candidates.length]) })
  return { clock, scope, told, outbox }
}

const line = (port: number) => `candidate:1 1 udp 2114977791 192.0.2.2 ${port} typ host`
const described = { sdp: 'sdp', mid: '0' }

describe('our candidates', () => {
  it('go with the description at once when gathering has ended, whichever comes first', () => {
    const early = stage()
    early.outbox.add(line(1))
    early.outbox.finish([line(1), line(2)])
    early.outbox.describe(described)
    expect(early.told).toEqual([['sdp', 2]])
    const late = stage()
    late.outbox.describe(described)
    late.outbox.add(line(1))
    late.outbox.finish([])
    expect(late.told).toEqual([['sdp', 1]])
    expect(late.clock.pending).toBe(0)
  })

  it('are waited for 50 ms and no longer; later ones follow in batches', async () => {
    const { clock, outbox, told } = stage()
    outbox.add(line(1))
    outbox.describe(described)
    await clock.advance(FIRST_CANDIDATES_MS - 1)
    outbox.add(line(2))
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual([['sdp', 2]])
    outbox.add(line(3))
    await clock.advance(CANDIDATE_BATCH_MS - 1)
    outbox.add(line(4))
    await clock.advance(1)
    expect(told).toEqual([
      ['sdp', 2],
      [undefined, 2],
    ])
    outbox.add(line(5))
    outbox.finish([])
    expect(told.at(-1)).toEqual([undefined, 1])
    expect(clock.pending).toBe(0)
  })

  it('the description goes without any when there are none', async () => {
    const { clock, outbox, told } = stage()
    outbox.describe(described)
    await clock.advance(FIRST_CANDIDATES_MS)
    expect(told).toEqual([['sdp', 0]])
  })

  it('are told once each, useful ones only, and at most as many as the peer keeps', () => {
    const { outbox, told } = stage()
    outbox.add('candidate:1 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active')
    for (let port = 1; port <= LOCAL_CANDIDATES_MAX + 1; port++) {
      outbox.add(line(port))
      outbox.add(line(port))
    }
    outbox.describe(described)
    outbox.finish([])
    expect(told).toEqual([['sdp', LOCAL_CANDIDATES_MAX]])
  })

  it('are not told after the end of the scope', async () => {
    const { clock, scope, outbox, told } = stage()
    outbox.describe(described)
    await scope.close()
    await clock.advance(1000)
    expect(told).toEqual([])
  })
})
