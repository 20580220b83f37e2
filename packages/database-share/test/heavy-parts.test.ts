import { describe, expect, it } from '@jest/globals'
import { partsOf, treeWeight } from '../src/heavy-parts.ts'
import { REVISIONS_MAX, TURN_REVISIONS_MAX } from '../src/limits.ts'

const parts = (weights: readonly number[]) => partsOf(weights, (weight) => weight, TURN_REVISIONS_MAX)

describe('what is done in one turn', () => {
  it(`weighs at most ${TURN_REVISIONS_MAX} revisions, in order, or is one thing alone`, () => {
    const half = TURN_REVISIONS_MAX / 2
    expect(parts([])).toEqual([])
    expect(parts([half, half])).toEqual([[half, half]])
    expect(parts([half, half + 1, 1])).toEqual([[half], [half + 1, 1]])
    expect(parts([1, TURN_REVISIONS_MAX + 1, 1])).toEqual([[1], [TURN_REVISIONS_MAX + 1], [1]])
  })

  it('is foretold by the number of a revision', () => {
    expect([`7-a`, `${REVISIONS_MAX}-a`, `${REVISIONS_MAX + 1}-a`, 'x'].map(treeWeight)).toEqual([
      7,
      REVISIONS_MAX,
      REVISIONS_MAX,
      1,
    ])
  })
})
