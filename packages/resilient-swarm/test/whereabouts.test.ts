import { describe, expect, it } from '@jest/globals'
import { createKeyPair } from '@resilient-swarm/identity'
import type { ConnectedPeer, PeerState } from '../src/peer.ts'
import { isGoneForGood } from '../src/whereabouts.ts'

const bob = createKeyPair().peerId

function neighbour(answer: () => unknown, state: PeerState = 'connected', publicKey = createKeyPair().peerId) {
  return { publicKey, state, rpcSession: { call: async () => answer() } } as unknown as ConnectedPeer<unknown>
}

const no = () => false
const yes = () => true
const silence = () => {
  throw new Error('no answer')
}
const nowhere = async () => new Set<typeof bob>()
const online = async () => new Set([bob])
const noServer = async () => {
  throw new Error('no server answers')
}

describe('a peer without a path is gone for good', () => {
  it.each([
    ['when it is at no server and no neighbour reaches it', nowhere, [neighbour(no), neighbour(no)], true],
    ['when it is at no server and there is nobody to ask', nowhere, [], true],
    ['when it is at no server and nobody answers', nowhere, [neighbour(silence)], true],
    ['not while a server has it', online, [neighbour(no)], false],
    ['not when no server can say', noServer, [neighbour(no)], false],
    ['not while a neighbour reaches it', nowhere, [neighbour(no), neighbour(yes)], false],
    ['and what a neighbour says counts only while we reach that one', nowhere, [neighbour(yes, 'reconnecting')], true],
    ['and what it says itself by a path that is gone does not count', nowhere, [neighbour(yes, 'connected', bob)], true],
    ['and any word but true is a no', nowhere, [neighbour(() => 'yes')], true],
  ] as const)('%s', async (_, lookUp, neighbours, expected) => {
    expect(await isGoneForGood(bob, { lookUp, neighbours: () => neighbours })).toBe(expected)
  })
})
