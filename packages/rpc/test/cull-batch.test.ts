import { describe, expect, it } from '@jest/globals'
import { CullBatch } from '../src/cull-batch.ts'

function create({ batchIds = 2, sharedMax = 2 } = {}) {
  const culled: (readonly number[])[] = []
  const batch = new CullBatch({ batchIds, sharedMax, write: (ids) => culled.push(ids) })
  const use = (...ids: number[]) => {
    for (const id of ids) {
      batch.arrived(id)
      batch.answered(id)
    }
  }
  return { batch, culled, use }
}

describe('CullBatch', () => {
  it('gives back the older half of what was used', () => {
    const { culled, use } = create()
    use(1, 2, 3)
    expect(culled).toEqual([])
    use(4)
    expect(culled).toEqual([[1, 2]])
    use(5, 6)
    expect(culled).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  it('keeps what came again, answered or not', () => {
    const { batch, culled, use } = create()
    batch.arrived(1)
    batch.arrived(1)
    batch.answered(1)
    batch.answered(1)
    use(2, 3, 2, 4, 5, 6, 7)
    expect(culled.flat()).toEqual([3, 4, 5])
  })

  it('does not remember what it gave back', () => {
    const { culled, use } = create({ batchIds: 1 })
    use(1, 2, 1, 3, 4)
    expect(culled.flat()).toEqual([1, 2, 1, 3])
  })

  it('stops for good at one shared function more than it can keep in mind', () => {
    const { culled, use } = create()
    use(1, 1, 2, 2)
    use(3, 4, 5, 6)
    expect(culled.flat()).toEqual([3, 4])
    use(7, 7, 8, 9, 10, 11, 12)
    expect(culled.flat()).toEqual([3, 4])
  })
})
