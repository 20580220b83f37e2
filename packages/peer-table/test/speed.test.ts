import { afterEach, expect, it } from '@jest/globals'
import { connect, openTable, type OpenTable, whenRecord } from './tables.ts'

const open: OpenTable[] = []
afterEach(async () => { await Promise.all(open.splice(0).map(({ table }) => table.close())) })

it('measures', async () => {
  for (let round = 0; round < 4; round++) {
    const alice = await openTable(1 + round * 10); const bob = await openTable(2 + round * 10); const carol = await openTable(3 + round * 10)
    open.push(alice, bob, carol)
    let t = performance.now()
    connect(alice, bob)
    await Promise.all([whenRecord(alice, (r) => r.id === bob.keyPair.peerId), whenRecord(bob, (r) => r.id === alice.keyPair.peerId)])
    console.log('pair', performance.now() - t)
    t = performance.now()
    connect(bob, carol)
    await Promise.all([whenRecord(alice, (r) => r.id === carol.keyPair.peerId), whenRecord(carol, (r) => r.id === alice.keyPair.peerId)])
    console.log('line', performance.now() - t)
    await new Promise((r) => setTimeout(r, 100))
    t = performance.now()
    await Promise.all([alice.table.publish({ info: 'x' }), whenRecord(carol, (r) => r.id === alice.keyPair.peerId && r.info === 'x')])
    console.log('live over two hops', performance.now() - t)
    t = performance.now()
    await Promise.all(open.splice(0).map(({ table }) => table.close()))
    console.log('close', performance.now() - t)
  }
  expect(1).toBe(1)
})
