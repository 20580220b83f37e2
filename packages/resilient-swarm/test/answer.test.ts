import { describe, expect, it } from '@jest/globals'
import { judgeOffer } from '../src/answer.ts'
import { HANDSHAKES_PENDING_MAX } from '../src/limits.ts'

const facts = { weAreDialing: false, weAreLarger: true, isConnected: false, pending: 0, peers: 0, peersMax: 4 }

describe('what becomes of an offer', () => {
  it.each([
    ['nothing is under way', {}, 'answer'],
    ['both dial and we are larger: our attempt wins', { weAreDialing: true }, 'ignore'],
    ['both dial and we are smaller: theirs wins', { weAreDialing: true, weAreLarger: false }, 'answer'],
    ['one handshake below the most', { pending: HANDSHAKES_PENDING_MAX - 1, peersMax: 64 }, 'answer'],
    ['as many handshakes as may be', { pending: HANDSHAKES_PENDING_MAX, peersMax: 64 }, 'busy'],
    ['room for one more peer', { peers: 3 }, 'answer'],
    ['no room', { peers: 4 }, 'busy'],
    ['handshakes under way take the room', { peers: 3, pending: 1 }, 'busy'],
    ['no room, but it is a peer that came back', { peers: 4, isConnected: true }, 'answer'],
  ] as const)('%s', (_, change, verdict) => {
    expect(judgeOffer({ ...facts, ...change })).toBe(verdict)
  })
})
