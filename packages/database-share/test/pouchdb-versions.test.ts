import { describe, expect, it } from '@jest/globals'
import memoryAdapter7 from 'pouchdb-adapter-memory-7'
import memoryAdapter8 from 'pouchdb-adapter-memory-8'
import Core7 from 'pouchdb-core-7'
import Core8 from 'pouchdb-core-8'
import { connect, type Database, join, openDatabase, whenDocument } from './people.ts'

const [Pouch7, Pouch8] = [Core7.plugin(memoryAdapter7), Core8.plugin(memoryAdapter8)]
const open = (Pouch: typeof Pouch7) => () =>
  new Pouch(`versions-${process.pid}-${databases++}`, { adapter: 'memory' }) as Database
let databases = 0

describe('a database of another version of PouchDB', () => {
  it.each([
    ['7', Pouch7.version, open(Pouch7)],
    ['8', Pouch8.version, open(Pouch8)],
  ])(
    '%s: %s, is shared with one of 9, both ways: updates, conflicts, deletions, attachments',
    async (major, version, openOlder) => {
      expect(version.startsWith(`${major}.`)).toBe(true)
      const [alice, bob] = [await join('alice', { database: openOlder() }), await join('bob', { database: openDatabase() })]
      const file = { content_type: 'text/plain', data: Buffer.from('milk').toString('base64') }
      await alice.database.put({ _id: 'both', text: 'older' })
      await bob.database.put({ _id: 'both', text: 'newer' })
      await alice.database.put({ _id: 'with a file', _attachments: { 'list.txt': file } })
      await bob.database.put({ _id: 'short-lived' })
      connect(alice, bob)
      await Promise.all([whenDocument(bob, 'with a file'), whenDocument(alice, 'short-lived')])
      expect(((await bob.database.getAttachment('with a file', 'list.txt')) as Buffer).toString()).toBe('milk')

      await alice.database.remove(await alice.database.get('short-lived'))
      await bob.until(async () => !(await bob.database.get('short-lived').catch(() => undefined)))
      const leaves = await Promise.all(
        [alice, bob].map(({ database }) =>
          database.get('both', { conflicts: true }).then(({ _rev, _conflicts }) => [_rev, _conflicts]),
        ),
      )
      expect(leaves[0]).toEqual(leaves[1])
      expect(leaves[0]?.[1]).toHaveLength(1)
      await Promise.all([alice.share.close(), bob.share.close()])
      expect(await alice.database.info()).toMatchObject({ doc_count: 2 })
    },
  )
})
