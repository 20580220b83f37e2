import { describe, expect, it } from '@jest/globals'
import { type AttemptSignal, concatBytes, encodeHex, type Random } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import type { OwnSignal, SealedBox, SwarmSignals } from '@resilient-swarm/mesh'
import { createSeededRandom, createTestRuntime } from '@resilient-swarm/testkit'
import { OFFERS_BURST, SERVER_HEAD_START_MS, SIGNAL_REPEATS_MS } from '../src/limits.ts'
import { createSignalRouter, type Offer } from '../src/signal-router.ts'
import { createCountedSignal } from './counted-signal.ts'

const offer: AttemptSignal = { kind: 'offer', sdp: 'v=0', candidates: [] }

/** A node's router; what servers take lands in `sent`, what goes through the swarm in `carried`, what others offer in `offers`. */
function createNode(runtime = createTestRuntime()) {
  const keyPair = createKeyPair()
  const sent: SealedBox[] = []
  const carried: OwnSignal[] = []
  const offers: Offer[] = []
  const router = createSignalRouter({
    keyPair,
    network: 'public',
    runtime,
    nowMs: runtime.clock.now,
    byServers: (box) => node.byServers(box),
    isServed: () => node.isServed,
    isOnlyHere: () => node.isOnlyHere,
    throughSwarm: (box, options) => {
      carried.push(box)
      return node.carry(box, options)
    },
    onOffer: (offered) => offers.push(offered),
  })
  const node = {
    id: keyPair.peerId,
    router,
    sent,
    carried,
    offers,
    runtime,
    isServed: true,
    isOnlyHere: false,
    carry: (async () => {}) as SwarmSignals['carry'],
    byServers: async (box: SealedBox): Promise<void> => void sent.push(box),
  }
  return node
}

/** A line to somebody, and the signal of its attempt. */
function lineOf(node: ReturnType<typeof createNode>, to = createNode().id) {
  const attempt = createCountedSignal()
  return {
    attempt,
    line: node.router.openLine({ to, attempt: node.router.newAttempt(), signal: attempt.signal, purpose: 'call' }),
  }
}

describe('an offer', () => {
  it('is sent again as long as nothing is heard, and is one offer to whoever gets it more than once', async () => {
    const alice = createNode()
    const bob = createNode(alice.runtime)
    const attempt = new AbortController()
    await alice.router
      .openLine({ to: bob.id, attempt: alice.router.newAttempt(), signal: attempt.signal, purpose: 'call' })
      .send(offer)
    for (const [index, delayMs] of SIGNAL_REPEATS_MS.entries()) {
      expect(alice.sent).toHaveLength(index + 1)
      await alice.runtime.clock.advance(delayMs - (SIGNAL_REPEATS_MS[index - 1] ?? 0))
    }
    expect(alice.sent).toHaveLength(SIGNAL_REPEATS_MS.length + 1)
    for (const box of alice.sent) bob.router.receive(box)
    expect(bob.offers.map(({ from }) => from)).toEqual([alice.id])
    attempt.abort()
  })

  it('is not sent again once the other end was heard', async () => {
    const alice = createNode()
    const bob = createNode(alice.runtime)
    const attempt = new AbortController()
    await alice.router
      .openLine({ to: bob.id, attempt: alice.router.newAttempt(), signal: attempt.signal, purpose: 'call' })
      .send(offer)
    for (const box of alice.sent) bob.router.receive(box)
    await bob.offers[0]?.line.send({ kind: 'answer', sdp: 'v=0', candidates: [] })
    for (const box of bob.sent) alice.router.receive(box)
    await alice.runtime.clock.advance(10_000)
    expect([alice.sent.length, bob.sent.length]).toEqual([1, 1])
    attempt.abort()
  })

  it('is not sent again after its attempt ended', async () => {
    const alice = createNode()
    const attempt = new AbortController()
    await alice.router
      .openLine({ to: createNode().id, attempt: alice.router.newAttempt(), signal: attempt.signal, purpose: 'call' })
      .send(offer)
    attempt.abort()
    expect(alice.runtime.clock.pending).toBe(0)
    await alice.runtime.clock.advance(10_000)
    expect(alice.sent).toHaveLength(1)
  })
})

describe('the way through the swarm', () => {
  const candidates: AttemptSignal = { kind: 'candidates', candidates: [] }

  it('is taken at once when no server has us, and when one says no', async () => {
    const unserved = createNode()
    unserved.isServed = false
    await lineOf(unserved).line.send(offer)
    expect(unserved.carried).toHaveLength(1)
    const refused = createNode()
    refused.byServers = () => Promise.reject(new Error('offline'))
    await lineOf(refused).line.send(offer)
    expect(refused.carried).toHaveLength(1)
  })

  it('is taken a moment later when a server took the signal, for it may have lied', async () => {
    const alice = createNode()
    await lineOf(alice).line.send(offer)
    await alice.runtime.clock.advance(SERVER_HEAD_START_MS - 1)
    expect(alice.carried).toEqual([])
    await alice.runtime.clock.advance(1)
    expect(alice.carried.map(({ id }) => id)).toEqual(alice.sent.map(({ id }) => id))
  })

  it('never carries what is for somebody at our own exchange whom it does not know', async () => {
    const alice = createNode()
    alice.isOnlyHere = true
    await lineOf(alice).line.send(offer)
    await lineOf(alice).line.send(candidates)
    await alice.runtime.clock.advance(SIGNAL_REPEATS_MS[2] + SERVER_HEAD_START_MS)
    expect(alice.sent.length).toBeGreaterThan(2)
    expect(alice.carried).toEqual([])
  })

  it('is spared a first offer that was answered before, and never a later one or candidates', async () => {
    const alice = createNode()
    const bob = createNode(alice.runtime)
    const { line } = lineOf(alice, bob.id)
    await line.send(offer)
    await line.send(candidates)
    bob.router.receive(alice.sent[0] as SealedBox)
    await bob.offers[0]?.line.send({ kind: 'answer', sdp: 'v=0', candidates: [] })
    alice.router.receive(bob.sent[0] as SealedBox)
    await line.send(offer)
    await alice.runtime.clock.advance(SERVER_HEAD_START_MS)
    expect(alice.carried.map(({ id }) => id)).toEqual(alice.sent.slice(1, 3).map(({ id }) => id))
  })

  it('has one listener on an attempt’s signal and no timer after it, however much is under way on all ways', async () => {
    const alice = createNode()
    alice.byServers = () => Promise.reject(new Error('offline'))
    alice.carry = (_, { signal } = {}) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    const { line, attempt } = lineOf(alice)
    const sending = [offer, ...Array.from({ length: 50 }, () => candidates)].map((content) => line.send(content))
    const ended = Promise.allSettled(sending)
    await alice.runtime.clock.advance(100)
    expect([attempt.now(), attempt.most()]).toEqual([1, 1])
    attempt.controller.abort()
    expect(new Set((await ended).map(({ status }) => status))).toEqual(new Set(['rejected']))
    expect([attempt.now(), alice.runtime.clock.pending]).toEqual([0, 0])
  })

  it('is spared whatever belongs to an attempt that is over', async () => {
    const alice = createNode()
    const { line, attempt } = lineOf(alice)
    await line.send(candidates)
    attempt.controller.abort()
    await alice.runtime.clock.advance(SERVER_HEAD_START_MS)
    expect(alice.carried).toEqual([])
  })

  it('is acknowledged by whoever opens the box, again for each copy, and by nobody else', async () => {
    const alice = createNode()
    const bob = createNode(alice.runtime)
    await lineOf(alice, bob.id).line.send(offer)
    await alice.runtime.clock.advance(SERVER_HEAD_START_MS)
    const [{ id, box, proof }] = alice.carried as [OwnSignal]
    expect(createNode(alice.runtime).router.receive({ id, box })).toBeUndefined()
    expect(bob.router.receive({ id, box: box.slice(1) })).toBeUndefined()
    expect(bob.router.receive({ id, box })).toBe(proof)
    expect(bob.router.receive({ id, box })).toBe(proof)
    expect(bob.offers).toHaveLength(1)
  })
})

describe('what mallory makes of a sealed offer', () => {
  const MUTATIONS = 10_000

  it(`none of ${MUTATIONS} changed boxes is an offer, and the true one still is`, async () => {
    const alice = createNode()
    const bob = createNode(alice.runtime)
    const attempt = new AbortController()
    await alice.router
      .openLine({ to: bob.id, attempt: alice.router.newAttempt(), signal: attempt.signal, purpose: 'call' })
      .send(offer)
    attempt.abort()
    const [{ id, box }] = alice.sent as [SealedBox]
    const seed = Date.now() >>> 0
    const random = createSeededRandom(seed)
    for (let count = 0; count < MUTATIONS; count++)
      bob.router.receive({ id: count % 2 ? id : hexId(random), box: mutate(box, random) })
    process.stdout.write(`mutations of seed ${seed}: ${bob.offers.length} of ${MUTATIONS} were taken for offers\n`)
    expect(bob.offers).toEqual([])
    bob.router.receive({ id, box })
    bob.router.receive({ id, box })
    expect(bob.offers.map(({ from }) => from)).toEqual([alice.id])
  }, 60_000)

  it('keeps one key to its rate of offers', async () => {
    const alice = createNode()
    const bob = createNode(alice.runtime)
    for (let count = 0; count <= OFFERS_BURST; count++) {
      const { line, attempt } = lineOf(alice, bob.id)
      await line.send(offer)
      attempt.controller.abort()
    }
    for (const box of alice.sent) bob.router.receive(box)
    expect(bob.offers).toHaveLength(OFFERS_BURST)
  })
})

const hexId = (random: Random) => encodeHex(random.bytes(16))

/** Flips one to four bits, cuts, lengthens, or swaps two pieces. */
function mutate(box: Uint8Array, random: Random): Uint8Array {
  const pick = (count: number) => Math.floor(random.fraction() * count)
  const at = pick(box.byteLength)
  const kind = pick(8)
  if (kind === 0) return box.slice(0, at)
  if (kind === 1) return concatBytes(box, random.bytes(1 + pick(64)))
  if (kind === 2) return concatBytes(box.subarray(box.byteLength - 1 - pick(64)), box.subarray(0, at))
  const changed = box.slice()
  const flipped = new Set(Array.from({ length: 1 + pick(4) }, () => pick(box.byteLength * 8)))
  for (const bit of flipped) changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
  return changed
}
