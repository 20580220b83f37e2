import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { SMALL_SWARM_RECORDS } from '../src/limits.ts'
import { type Content, type Urgency, urgencyOf } from '../src/publish-policy.ts'

const linked = (ids: string, rttMs = 1): Content => ({
  links: [...ids].map((id) => ({ key: id as PeerId, rttMs })),
  relay: false,
  left: false,
})

describe('how soon a change goes out', () => {
  const small = { known: SMALL_SWARM_RECORDS, told: 0 }
  const large = { known: SMALL_SWARM_RECORDS + 1, told: 0 }
  const table: [string, Content, Content, { known: number; told: number }, Urgency][] = [
    ['any link in a small swarm', linked('abcd'), linked('abc'), small, 'now'],
    ['the first links in a small swarm', linked(''), linked('a'), small, 'now'],
    ['the first links in a large swarm', linked(''), linked('a'), large, 'gathered'],
    ['the first links where a peer says it is large', linked(''), linked('a'), { known: 2, told: 17 }, 'gathered'],
    ['later links where only a peer says so', linked('a'), linked('ab'), { known: 2, told: 17 }, 'now'],
    ['half of the links gone', linked('abcd'), linked('ab'), large, 'refresh'],
    ['more than half gone', linked('abcd'), linked('a'), large, 'damped'],
    ['half as many more', linked('abcd'), linked('abcdef'), large, 'refresh'],
    ['more than half as many more', linked('abcd'), linked('abcdefg'), large, 'damped'],
    ['round trips', linked('abcd'), linked('abcd', 9), large, 'refresh'],
    ['a relay', linked('abcd'), { ...linked('abcd'), relay: true }, large, 'now'],
    ['an info', linked('abcd'), { ...linked('abcd'), info: 1 }, large, 'now'],
    ['the end', linked('abcd'), { ...linked('abcd'), left: true }, large, 'now'],
  ]
  for (const [what, told, next, size, urgency] of table) {
    it(`is ${urgency} for ${what}`, () => expect(urgencyOf(told, next, size)).toBe(urgency))
  }
})
