import { afterEach, describe, expect, it } from '@jest/globals'
import { connect, join, openDatabase, type Person, whenDocument } from './people.ts'

const people: Person[] = []
afterEach(async () => {
  await Promise.all(people.splice(0).map(({ share }) => share.close()))
})
async function person(...given: Parameters<typeof join>): Promise<Person> {
  const joined = await join(...given)
  people.push(joined)
  return joined
}

describe('a shared database', () => {
  it('brings what either has to the other, and what either writes later', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    await alice.database.put({ _id: 'a', text: 'by alice' })
    await bob.database.put({ _id: 'b', text: 'by bob' })
    connect(alice, bob)
    await Promise.all([whenDocument(alice, 'b'), whenDocument(bob, 'a')])
    await alice.database.put({ _id: 'later', text: 'live' })
    await whenDocument(bob, 'later', ({ text }) => text === 'live')
    expect(bob.of('change').flatMap(([{ change }]) => change.docs.map(({ _id }) => _id))).toEqual(['a', 'later'])
  })

  it('brings updates, deletions and conflicts as PouchDB does', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    const { rev } = await alice.database.put({ _id: 'a', text: '1' })
    connect(alice, bob)
    await whenDocument(bob, 'a')
    const { rev: second } = await alice.database.put({ _id: 'a', _rev: rev, text: '2' })
    await whenDocument(bob, 'a', ({ text }) => text === '2')
    await alice.database.remove('a', second)
    await bob.until(async () => (await bob.database.info()).doc_count === 0)
    await alice.database.bulkDocs(
      [
        { _id: 'c', _rev: '1-a', text: 'one' },
        { _id: 'c', _rev: '1-b', text: 'other' },
      ] as never,
      { new_edits: false },
    )
    await bob.until(async () => {
      const found = await bob.database.get('c', { conflicts: true }).catch(() => undefined)
      return found?._conflicts?.length === 1
    })
    expect((await bob.database.get('c', { conflicts: true }))._conflicts).toEqual(['1-a'])
  })

  it('brings attachments inline', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    const data = Buffer.alloc(100_000, 'x')
    await alice.database.put({ _id: 'a', _attachments: { photo: { content_type: 'image/png', data } } } as never)
    connect(alice, bob)
    await whenDocument(bob, 'a')
    const found = (await bob.database.getAttachment('a', 'photo')) as Buffer
    expect(found.equals(data)).toBe(true)
  })

  it('keeps out what admit refuses, and lets its neighbours in', async () => {
    const alice = await person('alice')
    const bob = await person('bob', { admit: ({ text }) => text !== 'bad' })
    await alice.database.bulkDocs([
      { _id: 'a', text: 'good' },
      { _id: 'b', text: 'bad' },
      { _id: 'c', text: 'good' },
    ])
    connect(alice, bob)
    await Promise.all([whenDocument(bob, 'a'), whenDocument(bob, 'c')])
    await expect(bob.database.get('b')).rejects.toMatchObject({ status: 404 })
    expect(bob.of('denied')).toMatchObject([[{ peer: 'alice', doc: { id: 'b', reason: 'admit', status: 403 } }]])
  })

  it('brings many documents that are too large together for one batch, and not the one that is too large alone', async () => {
    const documentBytesMax = 20_000
    const [alice, bob] = [await person('alice'), await person('bob', { documentBytesMax })]
    const small = Array.from({ length: 40 }, (_, index) => ({ _id: `small ${index + 10}`, text: 'x'.repeat(3_000) }))
    await alice.database.bulkDocs([...small, { _id: 'large', text: 'x'.repeat(documentBytesMax) }])
    connect(alice, bob)
    await bob.until(() => bob.of('paused').length > 0)
    expect((await bob.database.allDocs()).rows.map(({ id }) => id)).toEqual(small.map(({ _id }) => _id))
    expect(bob.of('denied').map(([{ doc }]) => [doc.id, doc.reason])).toContainEqual(['large', 'size'])
  })

  it('takes a document of exactly as many bytes as it says, and not one more', async () => {
    const documentBytesMax = 1_000
    const [alice, bob] = [await person('alice'), await person('bob', { documentBytesMax })]
    const hash = '0'.repeat(32)
    const around = JSON.stringify({ text: '', _id: 'a', _rev: `1-${hash}`, _revisions: { start: 1, ids: [hash] } }).length
    await alice.database.bulkDocs([
      { _id: 'a', text: 'x'.repeat(documentBytesMax - around) },
      { _id: 'b', text: 'x'.repeat(documentBytesMax - around + 1) },
    ])
    connect(alice, bob)
    await bob.until(() => bob.of('paused').length > 0)
    expect(bob.of('denied').map(([{ doc }]) => doc.id)).toContainEqual('b')
    expect((await bob.database.allDocs()).rows.map(({ id }) => id)).toEqual(['a'])
  })

  it('survives a change feed that is read while it is written', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    connect(alice, bob)
    for (let index = 0; index < 60; index++) await alice.database.put({ _id: `a ${index}` })
    await Promise.all(Array.from({ length: 60 }, (_, index) => bob.database.put({ _id: `b ${index}` })))
    const isFull = async ({ database }: Person) => (await database.info()).doc_count === 120
    await Promise.all([alice.until(() => isFull(alice)), bob.until(() => isFull(bob))])
  })

  it('keeps no more than one checkpoint a peer, and believes none of another database', async () => {
    const bob = await person('bob')
    for (const round of [1, 2]) {
      const alice = await person('alice') // another database, and the same key
      await alice.database.put({ _id: `of database ${round}` })
      connect(alice, bob)
      await whenDocument(bob, `of database ${round}`)
      await alice.share.close()
    }
    expect((await bob.database.info()).doc_count).toBe(2)
  })

  it('tells nobody of what they brought themselves, but of conflicts with it', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    await alice.database.bulkDocs(
      [
        { _id: 'a', _rev: '1-a' },
        { _id: 'b', _rev: '1-a' },
      ] as never,
      { new_edits: false },
    )
    await bob.database.bulkDocs([{ _id: 'a', _rev: '1-b' }] as never, { new_edits: false })
    const rows: string[] = []
    connect(alice, bob, {
      tamper(piece, from) {
        const text = Buffer.from(piece.subarray(1)).toString()
        if (from === 'bob' && text.startsWith('{"type":"rows"')) rows.push(...JSON.parse(text).rows.map(([id]: [string]) => id))
        return [piece]
      },
    })
    await alice.until(async () => (await alice.database.get('a', { conflicts: true }))._conflicts?.length === 1)
    await alice.database.put({ _id: 'c' })
    await whenDocument(bob, 'c')
    await bob.database.put({ _id: 'd' })
    await whenDocument(alice, 'd')
    expect(new Set(rows)).toEqual(new Set(['a', 'd']))
  })

  it('goes on where it was after both were opened again', async () => {
    const databases = [openDatabase(), openDatabase()] as const
    const questions: { since: number }[] = []
    const run = async () => {
      const [alice, bob] = [await person('alice', { database: databases[0] }), await person('bob', { database: databases[1] })]
      connect(alice, bob, {
        tamper(piece, from) {
          const text = Buffer.from(piece.subarray(1)).toString()
          if (from === 'bob' && text.startsWith('{"type":"changes"')) questions.push(JSON.parse(text))
          return [piece]
        },
      })
      await bob.until(() => bob.of('paused').length > 0)
      await Promise.all([alice.share.close(), bob.share.close()])
      return bob
    }
    await databases[0].bulkDocs(Array.from({ length: 250 }, (_, index) => ({ _id: `note ${index}` })))
    expect((await run()).of('change').at(-1)?.[0].change.docs_written).toBe(250)
    expect(questions[0]?.since).toBe(0)
    questions.length = 0
    expect((await run()).of('change')).toEqual([])
    expect(questions[0]?.since).toBe(250)
  })
})
