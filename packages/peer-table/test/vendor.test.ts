import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import Core from 'pouchdb-core'
import { PouchDB } from '../src/pouchdb-node.ts'
import applyChangesFilter from '../vendor/changes-filter.js'
import SmallEmitter from '../vendor/events.js'
import { binaryMd5, md5, stringMd5 } from '../vendor/md5.js'

const nodeMd5 = (data: string | Uint8Array) => createHash('md5').update(data)

describe('the MD5 that PouchDB gets in pages', () => {
  it('agrees with OpenSSL on every length around a block and on anything else', () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = new Uint8Array(length).fill(length)
      expect(Buffer.from(md5(bytes))).toEqual(nodeMd5(bytes).digest())
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => nodeMd5(bytes).digest().equals(md5(bytes))),
      { numRuns: 1000 },
    )
  })

  it('takes texts as UTF-8, strings of bytes as bytes, and Blobs', async () => {
    expect(stringMd5('häß')).toBe(nodeMd5('häß').digest('hex'))
    const digests: string[] = []
    await binaryMd5('\x80abc', (digest) => digests.push(digest))
    await binaryMd5(new Blob(['xyz']), (digest) => digests.push(digest))
    expect(digests).toEqual([nodeMd5(Uint8Array.of(0x80, 0x61, 0x62, 0x63)).digest('base64'), nodeMd5('xyz').digest('base64')])
  })
})

/** What is heard of a program that comes and goes while it is told. */
function listen(emitter: InstanceType<typeof SmallEmitter>): unknown[] {
  const heard: unknown[] = []
  const twice = (fact: unknown) => heard.push(['twice', fact])
  const leaving = (fact: unknown) => {
    heard.push(['leaving', fact])
    emitter.off('a', leaving).off('a', later)
  }
  const later = (fact: unknown) => heard.push(['later', fact])
  const once = (fact: unknown) => heard.push(['once', fact])
  emitter.on('a', twice).on('a', twice).on('a', leaving).on('a', later).once('a', once).once('b', once)
  heard.push(emitter.listenerCount('a'), emitter.listeners('b')[0] === once)
  for (const fact of [1, 2]) heard.push(emitter.emit('a', fact))
  emitter.off('b', once).off('b', once).off('a', twice)
  heard.push(emitter.emit('a', 3), emitter.emit('b', 4))
  heard.push(emitter.removeAllListeners('a').emit('a', 5), emitter.on('b', twice).removeAllListeners().emit('b', 6))
  return heard
}

describe('the EventEmitter that PouchDB gets in pages', () => {
  it("tells what Node's would tell, also to those who leave meanwhile", () => {
    expect(listen(new SmallEmitter())).toEqual(listen(new EventEmitter()))
  })

  it('throws an error that nobody listens to', () => {
    expect(() => new SmallEmitter().emit('error', new Error('unheard'))).toThrow('unheard')
  })
})

describe('the filters of changes that PouchDB has in pages', () => {
  type Changes = PromiseLike<{ readonly results: readonly { readonly id: string }[] }>

  it('are functions and lists of ids; everything else is refused in words', async () => {
    const db = new PouchDB('filtered', { adapter: 'memory', revs_limit: 1, auto_compaction: true })
    applyChangesFilter(Core) // which is whom every database asks, of whatever kind it is
    const ids = async (options: Record<string, unknown>) =>
      (await (db.changes(options) as unknown as Changes)).results.map(({ id }) => id)
    await db.bulkDocs({ docs: [{ _id: 'alice' }, { _id: 'bob' }], new_edits: true })
    expect(await ids({})).toEqual(['alice', 'bob'])
    expect(await ids({ filter: ({ _id }: { _id: string }) => _id === 'bob' })).toEqual(['bob'])
    expect(await ids({ doc_ids: ['alice'] })).toEqual(['alice'])
    for (const options of [
      { selector: { _id: 'bob' } },
      { filter: 'design/name' },
      { filter: '_view', view: 'design/name' },
      { view: 'x' },
    ])
      await expect(ids(options)).rejects.toThrow('filtered by a function')
    await db.destroy()
  })
})
