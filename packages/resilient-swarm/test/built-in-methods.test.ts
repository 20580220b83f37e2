import { describe, expect, it } from '@jest/globals'
import { createKeyPair } from '@resilient-swarm/identity'
import type { Methods } from '@resilient-swarm/rpc'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { builtInMethods } from '../src/built-in-methods.ts'
import type { ConnectedPeer, PeerState } from '../src/peer.ts'
import type { Signalling } from '../src/signalling.ts'

const [alice, bob] = [createKeyPair().peerId, createKeyPair().peerId]

const needsLink = (asking: ConnectedPeer<unknown>) => asking.publicKey !== alice

function methods(stateOfBob?: PeerState) {
  const runtime = createTestRuntime()
  const peer = { publicKey: alice } as unknown as ConnectedPeer<unknown>
  const found = stateOfBob && ({ publicKey: bob, state: stateOfBob } as unknown as ConnectedPeer<unknown>)
  const find = (id: unknown) => (id === bob ? found : undefined)
  return { runtime, served: builtInMethods(peer, { runtime, signalling: {} as Signalling, find, needsLink }) }
}

/** As rpc does: by name, with whatever came. */
function ask(served: Methods, name: string, ...args: unknown[]): unknown {
  return (served[name] as (...given: unknown[]) => unknown)(...args)
}

describe('what every peer may ask', () => {
  it('is the time', () => {
    const { runtime, served } = methods()
    expect(ask(served, 'ping')).toBe(runtime.clock.now())
  })

  it.each([
    ['somebody connected', 'connected', true],
    ['somebody who is being reconnected', 'reconnecting', false],
    ['somebody who is not there', undefined, false],
  ] as const)('is whether a path stands to %s', (_, state, expected) => {
    expect(ask(methods(state).served, 'reaches', bob)).toBe(expected)
  })

  it('is whether we need the link to whoever asks', () => {
    expect(ask(methods().served, 'needsLink')).toBe(false)
  })

  it.each([
    ['no key', 'rs1'],
    ['a number', 1],
    ['an object', { toString: () => bob }],
    ['nothing', undefined],
  ])('and of %s the answer is no', (_, asked) => {
    expect(ask(methods('connected').served, 'reaches', asked)).toBe(false)
  })
})
