import { describe, expect, it } from '@jest/globals'
import { PEER_CODES, refusalOfPath } from '../src/peer-codes.ts'

describe('a path that the peer ended before it joined a session', () => {
  it.each([
    ['is a no for good', PEER_CODES.notAdmitted, 'ERR_REFUSED', false],
    ['found no room', PEER_CODES.full, 'ERR_PEER_BUSY', true],
    ['met somebody who leaves', PEER_CODES.leaving, 'ERR_PEER_LEAVING', true],
  ] as const)('%s', (_, code, errorCode, retryable) => {
    expect(refusalOfPath({ by: 'peer', code })).toMatchObject({ code: errorCode, retryable })
  })

  it('says nothing with any other number, and nothing when it was us', () => {
    for (const code of [PEER_CODES.finished, PEER_CODES.replaced, 131, 9_999])
      expect(refusalOfPath({ by: 'peer', code })).toBeUndefined()
    for (const code of Object.values(PEER_CODES)) expect(refusalOfPath({ by: 'us', code })).toBeUndefined()
  })
})
