import { describe, expect, it } from '@jest/globals'
import { type CloseReason, Scope, SwarmError } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import type { ConnectedPeer } from '../src/peer.ts'
import { PEER_CODES } from '../src/peer-codes.ts'
import { createRoster } from '../src/roster.ts'

describe('why a peer is no longer connected', () => {
  const lost = new SwarmError('No path.', { code: 'ERR_PATH_LOST' })
  it.each([
    ['left', { by: 'peer', code: PEER_CODES.finished }],
    ['closed', { by: 'us', code: PEER_CODES.finished }],
    ['replaced', { by: 'peer', code: PEER_CODES.replaced }],
    ['released', { by: 'peer', code: PEER_CODES.released }],
    ['released', { by: 'us', code: PEER_CODES.released }],
    ['lost', { by: 'peer', code: PEER_CODES.released, error: lost }],
  ] as const)('%s for %o', async (expected, end: CloseReason) => {
    const told = new Promise<string>((resolve) => {
      const roster = createRoster({ onPeer() {}, onLeft: (_, reason) => resolve(reason) })
      const session = { closed: Promise.resolve(end) }
      roster.add({ publicKey: createKeyPair().peerId, scope: new Scope(), session } as unknown as ConnectedPeer)
    })
    expect(await told).toBe(expected)
  })
})
