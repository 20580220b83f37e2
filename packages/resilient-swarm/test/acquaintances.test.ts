import { describe, expect, it } from '@jest/globals'
import type { SecureChannel } from '@resilient-swarm/cipher-stream'
import type { Channel, PeerId } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createSession, type Session } from '@resilient-swarm/session'
import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { createAcquaintances } from '../src/acquaintances.ts'
import { REPLACED_GOODBYE_MS } from '../src/limits.ts'
import { PEER_CODES } from '../src/peer-codes.ts'
import type { ProvenPath } from '../src/proven-path.ts'

const alice = createKeyPair().peerId
const strangers = Array.from({ length: 4 }, () => createKeyPair().peerId)
const DIRECT = { kind: 'memory', isDirect: true }

function proven(id: PeerId, channel: Channel): ProvenPath {
  return { id, path: { kind: 'memory', channel, binding: new Uint8Array(0) }, secure: channel as SecureChannel }
}

/** Bob's acquaintances, who takes as many as `peersMax`, and what he was told of them. */
function ofBob({ peersMax = 64 } = {}) {
  const runtime = createTestRuntime()
  const told: string[] = []
  const met: Session[] = []
  const { signal } = new AbortController()
  const bob = createAcquaintances({
    runtime,
    refuseNewcomer: () => (bob.size < peersMax ? undefined : PEER_CODES.full),
    onMet: (_, session) => void met.push(session),
    onPath: (_, { kind }) => void told.push(kind),
    onState: (_, { state }) => void told.push(state),
    onReplaced: () => void told.push('replaced'),
  })
  return {
    bob,
    runtime,
    told,
    met,
    /** Somebody dials bob with this session of theirs. */
    async dial(id: PeerId, session: Session) {
      const [near, far] = createChannelPair()
      const welcomed = bob.welcome(proven(id, far), signal)
      const [path] = await Promise.allSettled([session.addPath({ channel: near, facts: DIRECT }), welcomed])
      await welcomed
      return { near, far, path }
    },
    join: (id: PeerId, channel: Channel) => bob.join(proven(id, channel), signal),
  }
}

const turns = async (count = 20) => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve()
}

describe('acquaintances', () => {
  it('count those who are not set up yet, so that a crowd at once is no more than there is room for', async () => {
    const { dial, met, runtime } = ofBob({ peersMax: 2 })
    const [one, two, three] = strangers as [PeerId, PeerId, PeerId]
    await dial(one, createSession({ runtime }))
    await dial(two, createSession({ runtime }))
    await expect(dial(three, createSession({ runtime }))).rejects.toMatchObject({ code: 'ERR_PEER_BUSY' })
    expect(met).toHaveLength(2)
  })

  it('are no more than there is room for when bob dials, either', async () => {
    const { dial, join, runtime } = ofBob({ peersMax: 1 })
    await dial(strangers[0] as PeerId, createSession({ runtime }))
    const [near, far] = createChannelPair()
    await expect(join(strangers[1] as PeerId, near)).rejects.toMatchObject({ code: 'ERR_PEER_BUSY' })
    expect(await far.closed).toMatchObject({ by: 'peer', code: PEER_CODES.full })
  })

  it('have a second path while there is no room for anybody new', async () => {
    const { dial, runtime } = ofBob({ peersMax: 1 })
    const session = createSession({ runtime })
    await dial(alice, session)
    await dial(alice, session)
    expect(session.paths).toHaveLength(2)
  })

  it('forget a session whose first path could not be taken', async () => {
    const { bob, runtime } = ofBob()
    const [near, far] = createChannelPair({ maxMessageBytes: 1_024 })
    near.send(hello(createSession({ runtime })))
    await expect(bob.welcome(proven(alice, far), new AbortController().signal)).rejects.toThrow(RangeError)
    await turns()
    expect(bob.size).toBe(0)
  })
})

describe('a peer who comes back as a new instance', () => {
  it('is told apart from its older session, whose paths and states say nothing about it', async () => {
    const { bob, dial, told, met, runtime } = ofBob()
    const older = await dial(alice, createSession({ runtime }))
    await dial(alice, createSession({ runtime }))
    const before = [...told]
    older.far.close()
    await turns()
    expect(told).toEqual(before)
    expect(met.map((session) => bob.isCurrent(alice, session))).toEqual([false, true])
  })

  it('cannot keep its older session by confirming its end bit by bit', async () => {
    const { bob, dial, met, runtime } = ofBob()
    const [near, far] = createChannelPair()
    near.send(hello(createSession({ runtime })))
    await bob.welcome(proven(alice, far), new AbortController().signal)
    const older = met[0] as Session
    for (let sent = 0; sent < 100; sent++) older.send(new Uint8Array(1))
    await dial(alice, createSession({ runtime }))
    for (let confirmed = 1; confirmed <= 10; confirmed++) {
      near.send(Uint8Array.of(ACK, confirmed))
      await runtime.clock.advance(REPLACED_GOODBYE_MS / 2)
    }
    expect(met.map(({ state }) => state)).toEqual(['ended', 'connected'])
  })
})

const ACK = 2

/** The first frame of a path, as a session that has heard nothing says it. */
function hello({ tag }: Session): Uint8Array {
  return Uint8Array.of(0, ...tag, ...new Uint8Array(16), 0)
}
