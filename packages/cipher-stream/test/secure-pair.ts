import { type SecureChannel, type SecureChannelOptions, secureChannel } from '@resilient-swarm/cipher-stream'
import type { Channel } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { type ChannelPairOptions, createChannelPair, createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'

export const ALICE = createKeyPair({ seed: new Uint8Array(32).fill(0xa1) })
export const BOB = createKeyPair({ seed: new Uint8Array(32).fill(0xb0) })
export const MALLORY = createKeyPair({ seed: new Uint8Array(32).fill(0x66) })

export type Changes = Partial<Omit<SecureChannelOptions, 'channel' | 'role'>>

/** Alice initiates towards bob; both know each other's key, network and path. */
export function aliceOptions(channel: Channel, changes: Changes = {}): SecureChannelOptions {
  return { ...facts(1), channel, role: 'initiator', keyPair: ALICE, expected: BOB.publicKey, ...changes }
}

export function bobOptions(channel: Channel, changes: Changes = {}): SecureChannelOptions {
  return { ...facts(2), channel, role: 'responder', keyPair: BOB, expected: ALICE.publicKey, ...changes }
}

function facts(seed: number): { network: string; kind: string; binding: Uint8Array; runtime: TestRuntime } {
  return { network: 'public', kind: 'memory', binding: Uint8Array.of(1, 2, 3, 4), runtime: createTestRuntime({ seed }) }
}

export interface SecurePair {
  readonly alice: SecureChannel
  readonly bob: SecureChannel
  readonly lower: readonly [alice: Channel, bob: Channel]
}

export async function securePair(options: ChannelPairOptions = {}, changes: Changes = {}): Promise<SecurePair> {
  const lower = createChannelPair(options)
  const [alice, bob] = await Promise.all([
    secureChannel(aliceOptions(lower[0], changes)),
    secureChannel(bobOptions(lower[1], changes)),
  ])
  return { alice, bob, lower }
}
