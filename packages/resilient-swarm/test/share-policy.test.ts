import { describe, expect, it } from '@jest/globals'
import type { SwarmError } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { SHARERS_LISTED_MAX } from '../src/limits.ts'
import { readSharePolicy } from '../src/share-policy.ts'

const alice = createKeyPair().peerId
const bob = createKeyPair().peerId
const never = () => {
  throw new Error('nothing fails here')
}

describe('with whom a database is shared', () => {
  it('is everybody unless something is said', () => {
    expect(readSharePolicy(undefined, never)).toMatchObject({ listed: [], mayChange: false })
    expect(readSharePolicy(undefined, never).lets(alice)).toBe(true)
  })

  it('is who stands on a list when it was given, each once', () => {
    const given = [alice, alice]
    const policy = readSharePolicy(given, never)
    given.push(bob)
    expect(policy.listed).toEqual([alice])
    expect([policy.lets(alice), policy.lets(bob)]).toEqual([true, false])
    expect(readSharePolicy([], never).lets(alice)).toBe(false)
  })

  it('is whom a function says true of, and nobody else', () => {
    const errors: SwarmError[] = []
    const answers = { [alice]: true, [bob]: 'yes' as never }
    const policy = readSharePolicy(
      (key) => {
        if (!(key in answers)) throw new Error('who?')
        return answers[key] as boolean
      },
      (error) => errors.push(error),
    )
    expect(policy.mayChange).toBe(true)
    expect([alice, bob, createKeyPair().peerId].map(policy.lets)).toEqual([true, false, false])
    expect(errors).toMatchObject([{ code: 'ERR_SHARE_PEERS', cause: { message: 'who?' } }])
  })

  it(`lists at most ${SHARERS_LISTED_MAX} keys, all of them keys`, () => {
    const full = Array.from({ length: SHARERS_LISTED_MAX }, () => alice)
    expect(readSharePolicy(full, never).listed).toEqual([alice])
    expect(() => readSharePolicy([...full, alice], never)).toThrow(RangeError)
    expect(() => readSharePolicy([`${alice.slice(0, -1)}!`], never)).toThrow(expect.objectContaining({ code: 'ERR_KEY_TEXT' }))
  })
})
