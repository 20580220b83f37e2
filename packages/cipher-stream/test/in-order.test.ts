import { expect, it } from '@jest/globals'
import { settle } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { InOrder } from '../src/in-order.ts'

it('hands on in the order of coming, whatever is made first', async () => {
  const line = fc.array(fc.record({ isLate: fc.boolean(), turns: fc.nat(20) }), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(line, async (places) => {
      const handed: number[] = []
      const inOrder = new InOrder<number>((value) => void handed.push(value))
      for (const [index, { isLate, turns }] of places.entries()) inOrder.push(isLate ? after(turns, index) : index, 1)
      await settle()
      expect(handed).toEqual(places.map((_, index) => index))
      expect([inOrder.bytes, inOrder.isEmpty]).toEqual([0, true])
    }),
    { numRuns: 100 },
  )
})

it('hands on at once what nobody stands before, and counts what waits', async () => {
  const handed: number[] = []
  const inOrder = new InOrder<number>((value) => void handed.push(value))
  let emptied = 0
  inOrder.onEmpty = () => void emptied++
  inOrder.push(1, 10)
  expect([handed, inOrder.bytes]).toEqual([[1], 0])
  inOrder.push(after(3, 2), 100)
  inOrder.push(3, 1000)
  expect([handed, inOrder.bytes, emptied]).toEqual([[1], 1100, 0])
  await settle()
  expect([handed, inOrder.bytes, emptied]).toEqual([[1, 2, 3], 0, 1])
})

it('forgets what waits when it is cleared', async () => {
  const handed: number[] = []
  const inOrder = new InOrder<number>((value) => void handed.push(value))
  inOrder.push(after(1, 1), 1)
  inOrder.push(2, 1)
  inOrder.clear()
  await settle()
  expect([handed, inOrder.isEmpty, inOrder.bytes]).toEqual([[], true, 0])
})

async function after(turns: number, value: number): Promise<number> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
  return value
}
