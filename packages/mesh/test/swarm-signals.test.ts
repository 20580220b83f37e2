import { describe, expect, it } from '@jest/globals'
import { encodeBase64Url, encodeHex, type PeerId } from '@resilient-swarm/contract'
import { hopTimeoutMs } from '../src/hand-over.ts'
import {
  CARRIED_MAX,
  FORWARD_HELD_MS,
  FORWARDS_BURST,
  FORWARDS_HELD_PER_NEIGHBOUR_MAX,
  FORWARDS_OUT_BURST,
  FORWARDS_PER_SECOND,
  HOP_TIMEOUT_MS_MIN,
  HOP_TRIES_MAX,
  NO_ROUTE_SIGNALS,
  SIGNAL_LAST_WAIT_MS,
  SIGNAL_ROUNDS_MS,
  SIGNAL_TTL_MAX,
  SIGNAL_TTL_SPARE,
} from '../src/limits.ts'
import { hopName } from '../src/neighbour.ts'
import { createIds, createVirtualSwarm, linkByChance, proofOf, type VirtualSwarm } from './virtual-swarm.ts'

const RTT_MS = 40
const OVER_MS = (SIGNAL_ROUNDS_MS.at(-1) as number) + SIGNAL_LAST_WAIT_MS
const ids = createIds(24)
const [alice, bob, carol, dave, ruth, rose, mallory] = ids as [PeerId, PeerId, PeerId, PeerId, PeerId, PeerId, PeerId]

/** A swarm with links along each of these lines of nodes. */
function swarmOf(...lines: readonly (readonly PeerId[])[]): VirtualSwarm {
  const swarm = createVirtualSwarm({ ids: [...new Set(lines.flat())] })
  for (const line of lines) for (const [index, id] of line.slice(1).entries()) swarm.link(line[index] as PeerId, id, RTT_MS)
  return swarm
}

let signals = 0
const signalTo = (to: PeerId) => {
  const id = (++signals).toString(16).padStart(32, '0')
  return { to, id, box: new Uint8Array(64).fill(signals), proof: proofOf(id) }
}

/** How a signal from one to another ends, and how many ms it took. */
async function carry(swarm: VirtualSwarm, from: PeerId, to: PeerId, forMs = OVER_MS) {
  const startMs = swarm.clock.monotonic()
  const seen: { acknowledgedMs?: number; code?: string } = {}
  const own = signalTo(to)
  swarm
    .node(from)
    .signals.carry(own)
    .then(
      () => Object.assign(seen, { acknowledgedMs: swarm.clock.monotonic() - startMs }),
      ({ code }) => Object.assign(seen, { code }),
    )
  await swarm.clock.runUntil(startMs + forMs)
  return { ...seen, arrived: swarm.node(to).received.filter(({ id }) => id === own.id).length, id: own.id }
}

/** As mallory hands a signal to somebody, in her own name. */
function hand(swarm: VirtualSwarm, to: PeerId, args: readonly unknown[], from = mallory): string | null {
  try {
    return swarm.node(to).signals.take(from, args)
  } catch (error) {
    return (error as { code: string }).code
  }
}

const box = encodeBase64Url(new Uint8Array(64))
const fresh = () => (++signals).toString(16).padStart(32, '0')
const roundOf = (args: readonly unknown[]) => (args[3] as { round: number }).round
const far = { route: '', ttl: SIGNAL_TTL_MAX, round: 0 }

describe('a signal through the swarm', () => {
  it('that is worth one round only goes in one copy, and in two otherwise', async () => {
    for (const roundsMax of [1, 2]) {
      const swarm = swarmOf([alice, bob, dave], [alice, carol, dave])
      let copies = 0
      for (const id of [bob, carol]) {
        swarm.mallory.set(id, () => {
          copies++
          return null // taken, and never heard of again
        })
      }
      swarm
        .node(alice)
        .signals.carry(signalTo(dave), { roundsMax })
        .catch(() => {})
      // Before the second round begins, and long after the second copy would have gone.
      await swarm.clock.runUntil(swarm.clock.monotonic() + (SIGNAL_ROUNDS_MS[1] as number) - 1)
      expect(copies).toBe(roundsMax)
    }
  })

  it.each([2, 3, 5, 17])(
    'reaches the other end of a line of %i, is acknowledged, and goes once through each hand',
    async (count) => {
      const line = ids.slice(0, count)
      const swarm = swarmOf(line)
      const ended = await carry(swarm, line[0] as PeerId, line.at(-1) as PeerId, 500)
      const there = await carry(swarm, line[0] as PeerId, line.at(-1) as PeerId)
      expect(there).toMatchObject({ arrived: 1, acknowledgedMs: (count - 1) * RTT_MS })
      if (count < 10) expect(ended.arrived).toBe(1)
      expect(new Set(swarm.sent.map(({ to }) => to)).size).toBe(count - 1)
    },
  )

  it('does not go further than its ttl', async () => {
    const line = ids.slice(0, SIGNAL_TTL_MAX + 2)
    const swarm = swarmOf(line)
    expect(await carry(swarm, line[0] as PeerId, line.at(-1) as PeerId)).toMatchObject({
      arrived: 0,
      code: 'ERR_SIGNAL_UNACKNOWLEDGED',
    })
  })

  it('goes again by another first hop when the first copy is late, and not when it is not', async () => {
    const swarm = swarmOf([alice, ruth, bob], [alice, rose, bob])
    await carry(swarm, alice, bob)
    expect(swarm.sent).toHaveLength(2)
    const first = swarm.sent[0]?.to as PeerId
    swarm.mallory.set(first, () => null) // takes it, and that is that
    const { acknowledgedMs } = await carry(swarm, alice, bob)
    expect(acknowledgedMs).toBe(150 + 2 * RTT_MS)
    expect(swarm.sent.slice(2).map(({ to }) => to)).toEqual([first, first === ruth ? rose : ruth, bob])
  })

  it('is repaired on its way: by a hop whose next one is gone, at once; by one whose next one does not answer, in a moment', async () => {
    const swarm = swarmOf([alice, ruth, carol, bob], [ruth, dave, bob])
    swarm.records.set(bob, [{ key: carol, rttMs: 1 }]) // so that carol is suggested
    swarm.unlink(ruth, carol)
    expect(await carry(swarm, alice, bob)).toMatchObject({ acknowledgedMs: 3 * RTT_MS })
    swarm.link(ruth, carol, RTT_MS)
    swarm.node(carol).state = 'silent'
    expect(await carry(swarm, alice, bob)).toMatchObject({ acknowledgedMs: 3 * RTT_MS + hopTimeoutMs(RTT_MS) })
  })

  it('turns back at a dead end and goes on from the hop before', async () => {
    const swarm = swarmOf([alice, ruth, carol, bob], [ruth, dave, rose, bob])
    swarm.unlink(carol, bob)
    const { acknowledgedMs, arrived } = await carry(swarm, alice, bob)
    expect([arrived, acknowledgedMs]).toEqual([1, 5 * RTT_MS])
    expect(swarm.sent.filter(({ from }) => from === alice)).toHaveLength(1)
  })

  it('to somebody of whom no record tells goes to the nearest neighbours, who may know better', async () => {
    const swarm = swarmOf([alice, ruth, bob], [alice, rose])
    swarm.records.clear()
    expect(await carry(swarm, alice, bob)).toMatchObject({ arrived: 1, acknowledgedMs: 2 * RTT_MS })
  })

  it('that nobody takes is offered again within moments: its receiver is just starting', async () => {
    const swarm = swarmOf([alice, ruth], [bob])
    swarm.clock.setTimer(100, () => swarm.link(ruth, bob, RTT_MS))
    const { acknowledgedMs } = await carry(swarm, alice, bob)
    expect(acknowledgedMs).toBeLessThan(400)
  })

  it('is repeated at 0.7, 2 and 5 s and then given up, when its receiver is gone', async () => {
    const swarm = swarmOf([alice, ruth, bob], [alice, rose, bob])
    swarm.node(bob).state = 'silent'
    expect(await carry(swarm, alice, bob, OVER_MS - 1)).toMatchObject({ arrived: 0 })
    expect(await carry(swarm, alice, bob)).toMatchObject({ arrived: 0, code: 'ERR_SIGNAL_UNACKNOWLEDGED' })
    const rounds = swarm.sent.filter(({ from }) => from === alice).map(({ args }) => roundOf(args))
    expect(new Set(rounds)).toEqual(new Set(SIGNAL_ROUNDS_MS.keys()))
    expect(rounds.length).toBeLessThanOrEqual(2 * SIGNAL_ROUNDS_MS.length * HOP_TRIES_MAX)
  })

  it('ends when its source says so, and nothing of it goes out any more', async () => {
    const swarm = swarmOf([alice, ruth, bob])
    swarm.node(ruth).state = 'silent'
    const abort = new AbortController()
    const carried = swarm.node(alice).signals.carry(signalTo(bob), { signal: abort.signal })
    abort.abort()
    await expect(carried).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await swarm.clock.runUntil(OVER_MS)
    expect(swarm.sent).toHaveLength(1)
    await expect(swarm.node(alice).signals.carry(signalTo(bob), { signal: abort.signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    })
  })

  it(`is one of ${CARRIED_MAX} under way at the most`, async () => {
    const swarm = swarmOf([alice])
    const carried = Array.from({ length: CARRIED_MAX }, () => swarm.node(alice).signals.carry(signalTo(bob)))
    await expect(swarm.node(alice).signals.carry(signalTo(bob))).rejects.toMatchObject({ code: 'ERR_SIGNAL_RATE' })
    const ends = Promise.allSettled(carried)
    await swarm.clock.runUntil(OVER_MS)
    expect((await ends).every(({ status }) => status === 'rejected')).toBe(true)
    const again = swarm.node(alice).signals.carry(signalTo(bob))
    again.catch(() => {})
    expect(await Promise.race([again.catch(({ code }) => code), Promise.resolve('under way')])).toBe('under way')
  })
})

describe('what forwarders see', () => {
  it('of a signal from three hops away: neither its source nor who had it before the last one', async () => {
    const swarm = swarmOf([alice, bob, carol, dave, ruth])
    await carry(swarm, alice, ruth)
    const seenByDave = JSON.stringify(swarm.sent.filter(({ to }) => to === dave))
    expect(seenByDave).toContain(carol)
    for (const before of [alice, bob]) {
      expect(seenByDave).not.toContain(before)
      expect(seenByDave).not.toContain(hopName(before))
    }
  })

  it('does not tell the first hop that it is the first: the ttl begins anywhere', async () => {
    const swarm = swarmOf([alice, ruth, bob])
    for (let count = 0; count < 30; count++) await carry(swarm, alice, bob, 100)
    const ttls = new Set(swarm.sent.filter(({ to }) => to === ruth).map(({ args }) => (args[3] as { ttl: number }).ttl))
    expect([...ttls].sort((one, other) => one - other)).toEqual([0, 1, 2, 3].map((more) => 1 + SIGNAL_TTL_SPARE + more))
  })
})

describe('a forwarder who is mallory', () => {
  /** Alice and bob with mallory on the nearest way, and a longer one. */
  function besideMallory() {
    return swarmOf([alice, mallory, bob], [alice, ruth, rose, bob])
  }

  it.each<[string, (args: readonly unknown[]) => unknown]>([
    ['swallows', () => null],
    ['refuses', () => new Error('no')],
    ['never answers', () => new Promise(() => {})],
    ['makes up a proof', () => '0'.repeat(32)],
    ['gives the id for the proof', ([, id]) => id],
    ['answers with something else', () => ({ proof: true })],
  ])('and %s delays a signal by less than half a second', async (_, lie) => {
    const swarm = besideMallory()
    swarm.mallory.set(mallory, (_from, args) => lie(args))
    const { arrived, acknowledgedMs } = await carry(swarm, alice, bob)
    expect(arrived).toBe(1)
    expect(acknowledgedMs).toBeLessThan(500)
  })

  it('cannot claim a delivery, though every way leads through her', async () => {
    const swarm = swarmOf([alice, ruth, mallory, bob])
    swarm.mallory.set(mallory, () => '0'.repeat(32))
    expect(await carry(swarm, alice, bob)).toMatchObject({ arrived: 0, code: 'ERR_SIGNAL_UNACKNOWLEDGED' })
  })

  it('does not stop a true proof with a false one that came before it', async () => {
    const swarm = swarmOf([alice, ruth, mallory, bob], [ruth, rose, dave, bob])
    swarm.mallory.set(mallory, (from) => {
      swarm.clock.setTimer(200, () => swarm.neighbour(mallory, from).signalled('0'.repeat(32), '0'.repeat(32)))
      return new Promise(() => {})
    })
    expect(await carry(swarm, alice, bob)).toMatchObject({ arrived: 1 })
  })

  it('who tells of copies that nobody handed to her is not heard', async () => {
    const swarm = besideMallory()
    const carried = carry(swarm, alice, bob, 10)
    for (const copy of ['0'.repeat(32), 'x', 7, null]) {
      swarm.node(alice).signals.hear(rose, copy, '0'.repeat(32))
      swarm.node(ruth).signals.hear(rose, copy, '0'.repeat(32))
    }
    await carried
    await swarm.clock.runUntil(200)
    expect(swarm.sent).toHaveLength(2)
  })

  it('who replays a copy gets it handed on once, and later hears the proof', async () => {
    const swarm = swarmOf([mallory, ruth, rose, bob])
    const args = [bob, fresh(), box, far]
    expect(hand(swarm, ruth, args)).toBeNull()
    for (let count = 0; count < 10; count++) expect(hand(swarm, ruth, args)).toBe('ERR_SIGNAL_SEEN')
    await swarm.clock.runUntil(1_000)
    expect(hand(swarm, ruth, args)).toBe(proofOf(args[1] as string))
    expect(swarm.sent.filter(({ from }) => from === ruth)).toHaveLength(1)
    expect(swarm.node(bob).received).toHaveLength(1)
  })

  it('who sends a changed box ahead does not burn the true one', async () => {
    const swarm = swarmOf([alice, ruth, bob], [mallory, ruth])
    const own = signalTo(bob)
    for (const round of SIGNAL_ROUNDS_MS.keys()) hand(swarm, ruth, [bob, own.id, box, { ...far, round }])
    await swarm.clock.runUntil(100)
    const carried = swarm.node(alice).signals.carry(own)
    await swarm.clock.runUntil(1_000)
    await carried
    expect(swarm.node(bob).received.some((arrived) => encodeHex(arrived.box) === encodeHex(own.box))).toBe(true)
  })

  it('who leads a route to and fro gets each hop once', async () => {
    const swarm = swarmOf([mallory, ruth, rose, dave, bob], [alice])
    const route = Array.from({ length: 14 }, (_, index) => hopName(index % 2 === 0 ? rose : ruth)).join('')
    hand(swarm, ruth, [alice, fresh(), box, { ...far, route }])
    await swarm.clock.runUntil(2_000)
    const hands = swarm.sent.map(({ from, to }) => `${from} ${to}`)
    expect(new Set(hands).size).toBe(hands.length)
    expect(hands.length).toBeLessThanOrEqual(2)
  })

  it('who floods ids has her budget and her places, and nobody else loses theirs', async () => {
    const swarm = swarmOf([mallory, ruth, bob], [alice, ruth], [mallory, bob])
    swarm.node(bob).state = 'silent'
    const answers = Array.from({ length: FORWARDS_BURST + 1 }, () => hand(swarm, ruth, [bob, fresh(), box, far]))
    expect(answers.filter((answer) => answer === null)).toHaveLength(FORWARDS_HELD_PER_NEIGHBOUR_MAX)
    expect(answers.slice(FORWARDS_HELD_PER_NEIGHBOUR_MAX)).toEqual(Array(9).fill('ERR_SIGNAL_RATE'))
    expect(hand(swarm, ruth, [bob, fresh(), box, far], alice)).toBeNull()
    await swarm.clock.runUntil(FORWARD_HELD_MS)
    const later = Array.from({ length: FORWARDS_BURST + 1 }, () => hand(swarm, ruth, [ruth, fresh(), box, far]))
    const [taken, refused] = [
      later.filter((answer) => answer !== 'ERR_SIGNAL_RATE'),
      later.filter((answer) => answer === 'ERR_SIGNAL_RATE'),
    ]
    // Until bob was found silent there was no other way for any of them, which counts: since then it filled again.
    const refilled = FORWARDS_PER_SECOND * ((FORWARD_HELD_MS - HOP_TIMEOUT_MS_MIN) / 1000)
    expect([taken.length, refused.length]).toEqual([refilled, FORWARDS_BURST + 1 - refilled])
  })

  it('who has us search for nobody is stopped after a few, for such a search looks at the whole swarm', () => {
    const swarm = swarmOf([mallory, ruth, bob], [alice, ruth])
    const answers = Array.from({ length: FORWARDS_BURST + 1 }, () => hand(swarm, ruth, [ids[19], fresh(), box, far]))
    const searched = FORWARDS_BURST / NO_ROUTE_SIGNALS
    expect(answers.slice(0, searched)).toEqual(Array(searched).fill('ERR_SIGNAL_NO_ROUTE'))
    expect(answers.slice(searched)).toEqual(Array(FORWARDS_BURST + 1 - searched).fill('ERR_SIGNAL_RATE'))
    expect(hand(swarm, ruth, [bob, fresh(), box, far], alice)).toBeNull()
  })

  it('who sends everything through one victim reaches it with less than it takes from us, and our own pass within a second', async () => {
    const others = ids.slice(10, 14)
    const swarm = swarmOf([ruth, bob, carol], ...others.map((other) => [other, ruth]))
    for (const other of others)
      for (let count = 0; count < 10; count++) hand(swarm, ruth, [carol, fresh(), box, { ...far, route: hopName(bob) }], other)
    const { acknowledgedMs } = await carry(swarm, ruth, carol)
    expect(acknowledgedMs).toBeLessThan(1_000)
    const toBob = swarm.sent.filter(({ from, to, args }) => from === ruth && to === bob && roundOf(args) === 0)
    expect(toBob).toHaveLength(FORWARDS_OUT_BURST + 1)
  })
})

describe('how many copies there can be', () => {
  const many = createIds(300)

  it('a node hands a copy on three times at the most, though every third one hands everything to everybody', async () => {
    const swarm = createVirtualSwarm({ ids: many, seed: 7 })
    linkByChance(swarm, many, 12)
    const hostile = new Set(many.filter((_, index) => index % 3 === 2))
    const fannedOut = new Set<string>()
    for (const id of hostile) {
      swarm.mallory.set(id, (_from, args) => {
        const [to, signalId, sealed] = args as [PeerId, string, string]
        const copy = `${id} ${signalId} ${roundOf(args)}`
        if (fannedOut.has(copy)) return null
        fannedOut.add(copy)
        const again = { to, id: signalId, box: sealed, route: [], ttl: 10_000, round: roundOf(args) }
        for (const other of swarm.node(id).links.keys())
          swarm
            .neighbour(id, other)
            .signal(again, { timeoutMs: 1_000 })
            .catch(() => {})
        return null
      })
    }
    const { arrived } = await carry(swarm, many[0] as PeerId, many[299 - 2] as PeerId)
    expect(arrived).toBe(1)
    const handsOn = new Map<string, number>()
    for (const { from, args } of swarm.sent) {
      if (hostile.has(from)) continue
      const key = `${from} ${roundOf(args)}`
      handsOn.set(key, (handsOn.get(key) ?? 0) + 1)
    }
    handsOn.delete(`${many[0]} 0`) // the source itself sends two
    expect(Math.max(...handsOn.values())).toBeLessThanOrEqual(HOP_TRIES_MAX)
  })

  it('one copy is handed on 399 times at the most, though every node takes it and none says so', async () => {
    const swarm = createVirtualSwarm({ ids: many, seed: 8 })
    linkByChance(swarm, many, 12)
    for (const id of many) {
      swarm.mallory.set(id, (from, args) => {
        swarm.node(id).signals.take(from, args)
        return new Promise(() => {})
      })
    }
    const nowhere = createIds(301)[300] as PeerId
    swarm.records.set(
      nowhere,
      many.slice(150).map((key) => ({ key, rttMs: 1 })),
    )
    hand(swarm, many[0] as PeerId, [nowhere, fresh(), box, far])
    await swarm.clock.runUntil(60_000)
    expect(transmissionsMax(SIGNAL_TTL_MAX - 1)).toBe(399)
    expect(swarm.sent.length).toBeGreaterThan(20)
    expect(swarm.sent.length).toBeLessThanOrEqual(399)
  })

  /** The bound of docs/protocol/signals.md, by its own rule. */
  function transmissionsMax(ttl: number): number {
    let sum = 0
    let left = ttl
    for (let tries = 0; ttl > 0 && tries < HOP_TRIES_MAX; tries++) {
      sum += 1 + transmissionsMax(left - 1)
      left = Math.ceil(left / 2)
    }
    return sum
  }
})
