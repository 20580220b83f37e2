import { describe, expect, it } from '@jest/globals'
import { SwarmError } from '@resilient-swarm/contract'
import { createTestRuntime, settle } from '@resilient-swarm/testkit'
import { RELAY_LIMITS, type Refusal, refusalOf } from '../src/index.ts'
import { CONNECTS_BURST, CONNECTS_PER_SECOND } from '../src/limits.ts'
import { type ConnectFacts, judgeConnect } from '../src/relay-server.ts'
import { connect, createNode, createThree, idOf } from './three-nodes.ts'

const fine: ConnectFacts = {
  serves: true,
  isLeaving: false,
  isTooFast: false,
  isLoop: false,
  isDiallerDirect: true,
  circuits: 0,
  circuitsOfDialler: 0,
  circuitsToTarget: 0,
}
const { circuitsMax, circuitsPerPeerMax, circuitsPerTargetMax } = RELAY_LIMITS

describe('judgeConnect', () => {
  it.each<[string, Partial<ConnectFacts>, Refusal | undefined]>([
    ['nothing against it', {}, undefined],
    ['a node that does not serve', { serves: false, isLeaving: true, isTooFast: true }, 'notServing'],
    ['too many a second', { isTooFast: true, isLeaving: true }, 'tooFast'],
    ['a node that leaves', { isLeaving: true, isLoop: true }, 'leaving'],
    ['a loop', { isLoop: true, isDiallerDirect: false }, 'loop'],
    ['who dials through a relay itself', { isDiallerDirect: false, circuits: circuitsMax }, 'notDirect'],
    ['one place left', { circuits: circuitsMax - 1 }, undefined],
    ['no place left', { circuits: circuitsMax, circuitsOfDialler: circuitsPerPeerMax }, 'busy'],
    ['one place left for this peer', { circuitsOfDialler: circuitsPerPeerMax - 1 }, undefined],
    [
      'no place left for this peer',
      { circuitsOfDialler: circuitsPerPeerMax, circuitsToTarget: circuitsPerTargetMax },
      'perPeerLimit',
    ],
    ['one place left to this target', { circuitsToTarget: circuitsPerTargetMax - 1 }, undefined],
    ['no place left to this target', { circuitsToTarget: circuitsPerTargetMax }, 'targetBusy'],
  ])('%s', (_, facts, refusal) => {
    expect(judgeConnect({ ...fine, ...facts }, RELAY_LIMITS)).toBe(refusal)
  })
})

const refused = async (dialled: Promise<unknown>) => {
  const error = await dialled.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof SwarmError)) throw new Error(`it was not refused: ${String(error)}`)
  return { code: error.code, refusal: refusalOf(error), retryable: error.retryable, message: error.message }
}

describe('a relay refuses, in words and with a number', () => {
  it.each<[Refusal, boolean, (three: ReturnType<typeof createThree>) => void]>([
    ['unknownTarget', true, ({ links }) => links.bob.multiplexers[1].abort(new SwarmError('Gone.', { code: 'ERR_GONE' }))],
    ['notDirect', true, ({ ruth, alice }) => void ruth.notDirect.add(alice.id)],
    ['notDirect', true, ({ ruth, bob }) => void ruth.notDirect.add(bob.id)],
    ['notDirect', true, ({ bob, ruth }) => void bob.notDirect.add(ruth.id)],
    ['notDirect', true, ({ alice, ruth }) => void alice.notDirect.add(ruth.id)],
    ['targetRefused', false, ({ bob }) => (bob.judge = () => 'refuse')],
    ['targetBusy', true, ({ bob }) => (bob.judge = () => 'busy')],
    ['leaving', false, ({ ruth }) => void ruth.relay.drain()],
  ])('%s (retryable: %p)', async (refusal, retryable, arrange) => {
    const three = createThree()
    arrange(three)
    await settle()
    const result = await refused(three.dial())
    expect(result).toMatchObject({ code: 'ERR_CIRCUIT_REFUSED', refusal, retryable })
    expect(result.message).toContain(refusal)
    await settle()
    expect(three.ruth.relay.counters).toMatchObject({ circuits: 0, accepted: 0 })
    expect(three.bob.incoming).toHaveLength(0)
    for (const { multiplexers } of Object.values(three.links)) {
      for (const { substreams } of multiplexers) expect(substreams).toHaveLength(0)
    }
  })

  it('notServing, unless it serves', async () => {
    expect(await refused(createThree({ serve: false }).dial())).toMatchObject({ refusal: 'notServing', retryable: false })
  })

  it("notAllowed, by the application's policy, which sees both names", async () => {
    const asked: unknown[] = []
    const three = createThree({
      allow: (from, to) => {
        asked.push([from, to])
        return false
      },
    })
    expect(await refused(three.dial())).toMatchObject({ refusal: 'notAllowed', retryable: false })
    expect(asked).toEqual([[idOf('alice'), idOf('bob')]])
  })

  it('timeout, when the target says nothing', async () => {
    const runtime = createTestRuntime()
    const { alice, ruth, dial } = createThree({ runtime })
    const carol = createNode('carol', { runtime })
    connect(carol, ruth, { tamper: (message, from) => (from === 'alice' ? [] : [message]) }, runtime)
    const toCarol = refused(alice.relay.dial({ relay: ruth.id, target: carol.id }))
    await runtime.clock.advance(8_000)
    expect(await toCarol).toMatchObject({ code: 'ERR_CIRCUIT_TIMEOUT', refusal: 'timeout', retryable: true })
    expect(ruth.relay.counters.circuits).toBe(0)
    await expect(dial()).resolves.toMatchObject({ kind: 'circuit' })
  })
})

describe('the limits of a relay', () => {
  it(`lets a peer have ${circuitsPerPeerMax} circuits, and the next as soon as one has gone`, async () => {
    const { ruth, dial } = createThree()
    const circuits = []
    for (let index = 0; index < circuitsPerPeerMax; index++) circuits.push(await dial())
    expect(ruth.relay.counters).toMatchObject({ circuits: 4, circuitsByPeer: 4, accepted: 4, refused: 0 })
    expect(await refused(dial())).toMatchObject({ refusal: 'perPeerLimit', retryable: true })
    expect(ruth.relay.counters).toMatchObject({ circuits: 4, circuitsByPeer: 4, accepted: 4, refused: 1 })
    circuits[0]?.channel.close()
    await circuits[0]?.channel.closed
    await settle()
    await expect(dial()).resolves.toBeDefined()
  })

  it('counts those that are being built', async () => {
    const { ruth, alice, bob, links, dial } = createThree()
    await settle()
    links.bob.channels[0].onMessage = () => {} // bob hears nothing more, so ruth waits for him
    const dials = Array.from({ length: circuitsPerPeerMax + 1 }, () => refused(dial()))
    expect(await Promise.race(dials)).toMatchObject({ refusal: 'perPeerLimit' })
    expect(ruth.relay.counters).toMatchObject({ circuits: circuitsPerPeerMax, accepted: 0 })
    expect(bob.incoming).toHaveLength(0)
    alice.relay.dropPeer(ruth.id)
    await Promise.all(dials)
    await settle()
    expect(ruth.relay.counters).toMatchObject({ circuits: 0 })
  })

  it('has so many places in all, and so many towards one target', async () => {
    const three = createThree({ limits: { circuitsMax: 3, circuitsPerTargetMax: 2 } })
    const { ruth, bob, alice, dial } = three
    const [carol, mallory] = [createNode('carol'), createNode('mallory')]
    for (const node of [carol, mallory]) connect(node, ruth)
    await dial()
    await dial()
    expect(await refused(carol.relay.dial({ relay: ruth.id, target: bob.id }))).toMatchObject({ refusal: 'targetBusy' })
    await carol.relay.dial({ relay: ruth.id, target: alice.id })
    expect(await refused(mallory.relay.dial({ relay: ruth.id, target: carol.id }))).toMatchObject({ refusal: 'busy' })
  })

  it(`answers ${CONNECTS_BURST} CONNECTs at once and ${CONNECTS_PER_SECOND} a second after that`, async () => {
    const runtime = createTestRuntime()
    const { bob, ruth, dial } = createThree({ runtime })
    bob.judge = () => 'refuse'
    for (let index = 0; index < CONNECTS_BURST; index++) expect(await refused(dial())).toMatchObject({ refusal: 'targetRefused' })
    expect(await refused(dial())).toMatchObject({ refusal: 'tooFast', retryable: true })
    await runtime.clock.advance(1000 / CONNECTS_PER_SECOND)
    expect(await refused(dial())).toMatchObject({ refusal: 'targetRefused' })
    expect(await refused(dial())).toMatchObject({ refusal: 'tooFast' })
    const carol = createNode('carol', { runtime })
    connect(carol, ruth, {}, runtime)
    expect(await refused(carol.relay.dial({ relay: ruth.id, target: bob.id }))).toMatchObject({ refusal: 'targetRefused' })
  })

  it('announces them to both ends before a byte goes', async () => {
    const limits = { bytesPerSecondMax: 5_000, burstBytesMax: 7_000, circuitDurationMsMax: 60_000 }
    const { bob, dial } = createThree({ limits })
    const circuit = await dial()
    const announced = { bytesPerSecond: 5_000, burstBytes: 7_000, durationMs: 60_000 }
    expect(circuit.limits).toEqual(announced)
    expect(bob.incoming[0]?.circuit.limits).toEqual(announced)
    const endless = createThree()
    expect((await endless.dial()).limits.bytesPerSecond).toBe(Number.POSITIVE_INFINITY)
  })
})
