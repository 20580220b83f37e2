import { type Channel, createRuntime, type Runtime } from '@resilient-swarm/contract'
import { type ChannelPairOptions, createChannelPair } from '@resilient-swarm/testkit'
import { createSession, type PathFacts, readHello, type Session, type SessionOptions, type SessionPath } from '../src/index.ts'

export const DIRECT: PathFacts = { kind: 'memory', isDirect: true }
export const RELAYED: PathFacts = { kind: 'circuit', isDirect: false }

export interface SessionPair {
  readonly alice: Session
  readonly bob: Session
  /** Alice dials, or bob; resolves when both have the path. */
  dial(options?: Dial): Promise<Dialled>
}

export interface Dial extends ChannelPairOptions {
  readonly by?: 'alice' | 'bob'
  readonly facts?: PathFacts
}

export interface Dialled {
  readonly ofAlice: SessionPath
  readonly ofBob: SessionPath
  readonly channels: readonly [alice: Channel, bob: Channel]
}

/** Two sessions that have no path yet. */
export function createSessionPair({
  runtime = createRuntime(),
  limits,
}: {
  runtime?: Runtime
  limits?: SessionOptions['limits']
} = {}): SessionPair {
  const options = { runtime, ...(limits ? { limits } : {}) }
  const [alice, bob] = [createSession(options), createSession(options)]
  return {
    alice,
    bob,
    async dial({ by = 'alice', facts = DIRECT, ...pairOptions } = {}) {
      const channels = createChannelPair(pairOptions)
      const [dialling, dialled] = by === 'alice' ? [alice, bob] : [bob, alice]
      const [near, far] = by === 'alice' ? channels : [channels[1], channels[0]]
      const accepted = readHello({ channel: far, runtime }).then((hello) => dialled.acceptPath({ channel: far, facts, hello }))
      const [added, other] = await Promise.all([dialling.addPath({ channel: near, facts }), accepted])
      return { channels, ofAlice: by === 'alice' ? added : other, ofBob: by === 'alice' ? other : added }
    },
  }
}
