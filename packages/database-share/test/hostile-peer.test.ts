import { afterEach, describe, expect, it } from '@jest/globals'
import { type Channel, type CloseReason, createRuntime, type PeerId, utf8 } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'
import { EXCHANGE_END } from '../src/index.ts'
import {
  ADMIT_TIMEOUT_MS,
  ANSWER_PROGRESS_BYTES,
  ANSWER_TIMEOUT_MS,
  BATCH_CHANGES_MAX,
  CLOSE_TIMEOUT_MS,
  DOCUMENT_BYTES_MAX,
  EXCHANGES_MAX,
  PIECE_BYTES_MAX,
  QUESTIONS_MAX,
  REVISIONS_MAX,
  RUN_REFUSALS_MAX,
} from '../src/limits.ts'
import type { Answer, Question } from '../src/messages.ts'
import { createPieceJoiner, PIECE } from '../src/pieces.ts'
import { join, type Person } from './people.ts'

const people: Person[] = []
afterEach(async () => {
  await Promise.all(people.splice(0).map(({ share }) => share.close()))
})

type Reply = object | Uint8Array

/** Mallory's hands on a channel to bob: she says what she likes, and hears what he asks. */
class Mallory {
  readonly questions: Question[] = []
  readonly answers: Answer[] = []
  readonly channel: Channel
  /** What is answered to a question of this type, from now on. */
  reply: Partial<Record<Question['type'], (question: never) => readonly Reply[]>> = {}

  constructor(channel: Channel) {
    this.channel = channel
    const joiner = createPieceJoiner({
      bytesMax: { question: DOCUMENT_BYTES_MAX, answer: 2 * DOCUMENT_BYTES_MAX },
      onMessage: (lane, message) => {
        const parsed = JSON.parse(Buffer.from(message).toString())
        if (lane === 'answer') this.answers.push(parsed)
        else {
          this.questions.push(parsed)
          for (const reply of this.reply[parsed.type as Question['type']]?.(parsed as never) ?? []) this.answer(reply)
        }
      },
    })
    channel.onMessage = (piece) => void joiner.push(piece)
  }

  ask(question: Reply): void {
    this.#send(question, 0)
  }

  answer(answer: Reply): void {
    this.#send(answer, PIECE.answer)
  }

  open(database = 'mallory'): void {
    this.ask({ type: 'open', v: 1, database, documentBytesMax: DOCUMENT_BYTES_MAX })
  }

  #send(message: Reply, lane: number): void {
    const bytes = message instanceof Uint8Array ? message : utf8(JSON.stringify(message))
    for (let offset = 0; offset < bytes.byteLength; offset += PIECE_BYTES_MAX - 1) {
      const body = bytes.subarray(offset, offset + PIECE_BYTES_MAX - 1)
      const flags = lane | (offset + body.byteLength < bytes.byteLength ? PIECE.more : 0)
      const piece = new Uint8Array(1 + body.byteLength)
      piece[0] = flags
      piece.set(body, 1)
      this.channel.send(piece)
    }
  }
}

interface Scene {
  readonly bob: Person
  readonly mallory: Mallory
  readonly runtime: TestRuntime
  readonly closed: Promise<CloseReason>
}

async function scene(options: Parameters<typeof join>[1] = {}): Promise<Scene> {
  const runtime = createTestRuntime()
  const bob = await join('bob', { runtime, ...options })
  people.push(bob)
  const [near, far] = createChannelPair()
  const { closed } = bob.share.replicate({ channel: near, peer: 'mallory' as PeerId })
  return { bob, mallory: new Mallory(far), runtime, closed }
}

const row = (id: string, seq = 1, revisions = ['1-a']) => [id, seq, revisions]
const good = (id: string) => ({ _id: id, _rev: '1-a', _revisions: { start: 1, ids: ['a'] } })

/** She tells of these documents, in one page, and hands over what `documents` says. */
function tell({ mallory }: Scene, rows: readonly unknown[], documents: readonly unknown[]): void {
  mallory.reply = {
    changes: ({ request, wait, since }: Question & { type: 'changes' }) =>
      wait
        ? []
        : [
            since === 0
              ? { type: 'rows', request, rows, last: rows.length, pending: 0 }
              : { type: 'rows', request, rows: [], last: since, pending: 0 },
          ],
    documents: ({ request }: Question & { type: 'documents' }) => [
      ...(documents.length > 0 ? [{ type: 'found', request, documents }] : []),
      { type: 'end', request, left: 0 },
    ],
  }
  mallory.open()
}

/** How long everything else had to wait at most. */
function watchStalls() {
  let longest = 0
  let last = performance.now()
  let isOver = false
  const tick = () => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
    if (!isOver) setImmediate(tick)
  }
  tick()
  return {
    longestMs() {
      isOver = true
      return longest
    },
  }
}

describe('a hostile document', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(58)}${']'.repeat(58)}`)
  const bad: [string, Record<string, unknown>, string][] = [
    ['with a field that PouchDB keeps for itself', { _local_seq: 1 }, 'shape'],
    ['with a prototype', JSON.parse('{"x": {"__proto__": {"admin": true}}}'), 'shape'],
    [
      'with more ancestors than one may have',
      {
        _rev: `${REVISIONS_MAX + 1}-0`,
        _revisions: { start: REVISIONS_MAX + 1, ids: Array.from({ length: REVISIONS_MAX + 1 }, (_, index) => String(index)) },
      },
      'revision',
    ],
    [
      'with 20,000 ancestors',
      { _rev: '20000-0', _revisions: { start: 20_000, ids: Array.from({ length: 20_000 }, (_, index) => String(index)) } },
      'revision',
    ],
    [
      'at a revision beyond thirty years of changes',
      { _rev: '9007199254740991-a', _revisions: { start: 9_007_199_254_740_991, ids: ['a'] } },
      'revision',
    ],
    ['with a revision that is no number', { _rev: '1.5-a', _revisions: { start: 1.5, ids: ['a'] } }, 'revision'],
    ['with another document’s ancestry', { _revisions: { start: 1, ids: ['b'] } }, 'revision'],
    ['with the same ancestor twice', { _rev: '2-a', _revisions: { start: 2, ids: ['a', 'a'] } }, 'revision'],
    ['with a deletion that is none', { _deleted: 'yes' }, 'shape'],
    [
      'with an attachment that is elsewhere',
      { _attachments: { a: { content_type: 'a/b', stub: true, digest: 'md5-x' } } },
      'attachment',
    ],
    ['with an attachment that is no base64', { _attachments: { a: { content_type: 'a/b', data: '%%%%' } } }, 'attachment'],
    ['with base64 in another spelling', { _attachments: { a: { content_type: 'a/b', data: 'YR==' } } }, 'attachment'],
    ['with attachments that are null', { _attachments: { a: null } }, 'attachment'],
  ]

  it.each(bad)('%s is refused, and its neighbour stored', async (_, fields, reason) => {
    const set = await scene()
    tell(set, [row('bad'), row('good', 2)], [{ ...good('bad'), ...fields }, good('good')])
    await set.bob.until(() => set.bob.of('change').length > 0)
    expect((await set.bob.database.allDocs()).rows.map(({ id }) => id)).toEqual(['good'])
    expect(set.bob.of('denied')).toMatchObject([[{ doc: { id: 'bad', reason } }]])
  })

  it('that is as deep as a message may be is stored; the million brackets of another end the exchange at once', async () => {
    const set = await scene()
    tell(set, [row('deep')], [{ ...good('deep'), deep }])
    await set.bob.until(() => set.bob.of('change').length > 0)
    const begunMs = performance.now()
    set.mallory.answer(utf8('['.repeat(1_000_000)))
    expect((await set.closed).code).toBe(EXCHANGE_END.malformed)
    expect(performance.now() - begunMs).toBeLessThan(2_000)
  })

  it('with 1,000 ancestors, a hundred times over, stalls nobody', async () => {
    const set = await scene({ runtime: createRuntime() })
    const ids = Array.from({ length: 100 }, (_, index) => `long ${index}`)
    const long = (id: string) => ({
      ...good(id),
      _rev: '1000-0',
      _revisions: { start: 1_000, ids: Array.from({ length: REVISIONS_MAX }, (_, index) => `${index}`) },
    })
    tell(
      set,
      ids.map((id, index) => row(id, index + 1)),
      ids.map(long),
    )
    const stalls = watchStalls()
    await set.bob.until(async () => (await set.bob.database.info()).doc_count === 100)
    process.stdout.write(`a hundred trees of 1,000 revisions: no turn over ${stalls.longestMs().toFixed(0)} ms\n`)
    expect(set.bob.of('denied')).toEqual([])
  })
})

describe('a hostile message', () => {
  const malformed: [string, Reply][] = [
    ['is not UTF-8', Uint8Array.of(0xff)],
    ['is no JSON', utf8('{"type":"rows"')],
    ['has no type', { request: 1 }],
    ['has a field too many', { type: 'end', request: 1, left: 0, more: 1 }],
    ['counts beyond what numbers can', utf8('{"type":"end","request":1,"left":1e999}')],
    ['names a document `__proto__`', { type: 'rows', request: 1, rows: [row('__proto__')], last: 1, pending: null }],
    ['names a design document', { type: 'rows', request: 1, rows: [row('_design/x')], last: 1, pending: null }],
    ['names a local document', { type: 'rows', request: 1, rows: [row('_local/x')], last: 1, pending: null }],
    ['has an id of a megabyte', { type: 'rows', request: 1, rows: [row('x'.repeat(1_000_000))], last: 1, pending: null }],
    ['has a place that is negative', { type: 'rows', request: 1, rows: [row('x', -1)], last: 1, pending: null }],
    ['has a place that is a fraction', { type: 'rows', request: 1, rows: [row('x', 1.5)], last: 2, pending: null }],
    [
      'has more leaves than a document may',
      {
        type: 'rows',
        request: 1,
        rows: [
          row(
            'x',
            1,
            Array.from({ length: 257 }, (_, index) => `1-${index}`),
          ),
        ],
        last: 1,
        pending: null,
      },
    ],
  ]

  it.each(malformed)('that %s ends the exchange', async (_, answer) => {
    const set = await scene()
    set.mallory.open()
    set.mallory.answer(answer)
    expect(await set.closed).toMatchObject({ by: 'us', code: EXCHANGE_END.malformed, error: { code: 'ERR_SHARE_PROTOCOL' } })
  })

  it('that is longer than a document may be ends it before it is whole', async () => {
    const set = await scene({ documentBytesMax: 1_000 })
    set.mallory.open()
    set.mallory.answer(utf8(`"${'x'.repeat(600_000)}"`))
    expect((await set.closed).code).toBe(EXCHANGE_END.malformed)
  })

  it('without a body, or with flags that are none, ends it', async () => {
    for (const piece of [Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(4, 1)]) {
      const set = await scene()
      set.mallory.channel.send(piece)
      expect((await set.closed).code).toBe(EXCHANGE_END.malformed)
    }
  })
})

describe('a hostile feed', () => {
  const disorderly: [string, (question: { request: number; since: number }) => readonly object[]][] = [
    ['goes back', ({ request }) => [{ type: 'rows', request, rows: [row('a', 5), row('b', 4)], last: 5, pending: 0 }]],
    ['ends before its rows', ({ request }) => [{ type: 'rows', request, rows: [row('a', 5)], last: 4, pending: 0 }]],
    ['answers what was not asked', ({ request }) => [{ type: 'rows', request: request + 1, rows: [], last: 0, pending: 0 }]],
    ['hands over what was not asked for', () => [{ type: 'found', request: 1, documents: [good('a')] }]],
    [
      'has a row too many',
      ({ request }) => [
        {
          type: 'rows',
          request,
          rows: Array.from({ length: BATCH_CHANGES_MAX + 1 }, (_, index) => row(`${index}`, index + 1)),
          last: BATCH_CHANGES_MAX + 1,
          pending: 0,
        },
      ],
    ],
  ]

  it.each(disorderly)('that %s ends the exchange', async (title, changes) => {
    const set = await scene()
    set.mallory.reply = { changes: changes as never }
    set.mallory.open()
    const { code } = await set.closed
    expect([EXCHANGE_END.disorder, EXCHANGE_END.malformed]).toContain(code)
    expect(code).toBe(title.startsWith('has a row too many') ? EXCHANGE_END.malformed : EXCHANGE_END.disorder)
  })

  it.each([
    ['other documents', [good('other')]],
    ['the same document twice', [good('a'), good('a')]],
  ])('that answers with %s ends the exchange', async (_, documents) => {
    const set = await scene()
    tell(set, [row('a')], documents)
    expect((await set.closed).code).toBe(EXCHANGE_END.disorder)
    expect((await set.bob.database.info()).doc_count).toBe(0)
  })

  it('never begins, and is given up after its time', async () => {
    const set = await scene()
    await set.runtime.clock.advance(ANSWER_TIMEOUT_MS - 1)
    expect(set.bob.share.progress).toHaveLength(1)
    await set.runtime.clock.advance(1)
    expect(await set.closed).toMatchObject({ code: EXCHANGE_END.silent, error: { code: 'ERR_SHARE_SILENT', retryable: true } })
    expect(set.runtime.clock.pending).toBe(0)
  })

  it('that drips is as silent as one that says nothing; one that sends enough is not', async () => {
    const set = await scene()
    const asked = new Promise<void>((resolve) => {
      set.mallory.reply = {
        changes: () => {
          resolve()
          return []
        },
      }
    })
    set.mallory.open()
    await asked
    const drip = (bytes: number) =>
      set.mallory.channel.send(new Uint8Array(bytes + 1).fill(PIECE.answer | PIECE.more, 0, 1).fill(0x20, 1))
    drip(ANSWER_PROGRESS_BYTES)
    await set.runtime.clock.advance(ANSWER_TIMEOUT_MS - 1)
    drip(ANSWER_PROGRESS_BYTES)
    await set.runtime.clock.advance(ANSWER_TIMEOUT_MS - 1)
    expect(set.bob.share.progress).toHaveLength(1)
    drip(1)
    await set.runtime.clock.advance(1)
    expect((await set.closed).code).toBe(EXCHANGE_END.silent)
  })

  it('that names more refused documents than PouchDB should keep begins its run anew, from the checkpoint', async () => {
    const set = await scene({ admit: () => false })
    const count = RUN_REFUSALS_MAX + 50
    set.mallory.reply = {
      changes: ({ request, since, wait }: { request: number; since: number; wait: boolean }) => {
        const rows = Array.from({ length: Math.min(100, count - since) }, (_, index) =>
          row(`${since + index + 1}`, since + index + 1),
        )
        return wait ? [] : [{ type: 'rows', request, rows, last: since + rows.length, pending: 0 }]
      },
      documents: ({ request, wanted }: { request: number; wanted: readonly [string, string][] }) => [
        { type: 'found', request, documents: wanted.map(([id]) => good(id)) },
        { type: 'end', request, left: 0 },
      ],
    } as never
    set.mallory.open()
    await set.bob.until(() => set.bob.of('denied').length === count)
    await set.bob.until(() => set.bob.of('paused').length > 0)
    expect(set.bob.share.progress).toMatchObject([{ docsDenied: count, docsWritten: 0 }])
    // Each once: a run that begins anew begins behind what was refused.
    expect(new Set(set.bob.of('denied').map(([{ doc }]) => doc.id)).size).toBe(count)
  })
})

describe('a hostile reader', () => {
  it.each([
    ['opens twice', [{ type: 'open', v: 1, database: 'again', documentBytesMax: 1 }]],
    [
      'asks for more at once than is answered',
      Array.from({ length: QUESTIONS_MAX + 1 }, (_, index) => ({
        type: 'documents',
        request: index + 1,
        bytesMax: 1,
        wanted: [['a', '1-a']],
      })),
    ],
    [
      'asks for changes again and again',
      Array.from({ length: QUESTIONS_MAX + 1 }, (_, index) => ({
        type: 'changes',
        request: index + 1,
        since: 0,
        limit: 1,
        wait: false,
      })),
    ],
  ])('that %s ends the exchange', async (_, questions) => {
    const set = await scene()
    set.mallory.open()
    for (const question of questions) set.mallory.ask(question)
    expect((await set.closed).code).toBe(EXCHANGE_END.disorder)
  })

  it('that asks before it says who it is ends the exchange', async () => {
    const set = await scene()
    set.mallory.ask({ type: 'changes', request: 1, since: 0, limit: 1, wait: false })
    expect((await set.closed).code).toBe(EXCHANGE_END.disorder)
  })

  it('is told of no design document and no local one', async () => {
    const set = await scene()
    await set.bob.database.bulkDocs([{ _id: '_design/x' }, { _id: 'a' }])
    await set.bob.database.put({ _id: '_local/y' })
    set.mallory.open()
    set.mallory.ask({ type: 'changes', request: 1, since: 0, limit: 100, wait: false })
    set.mallory.ask({ type: 'documents', request: 2, bytesMax: 1_000, wanted: [['_local/y', '0-1']] })
    await set.closed
    expect(set.mallory.answers.filter(({ type }) => type === 'found')).toEqual([])
  })
})

describe('the application’s own admit', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('refuses when it %s, and says so', async (_, admit) => {
    const set = await scene({ admit })
    tell(set, [row('a')], [good('a')])
    await set.bob.until(() => set.bob.of('error').length > 0)
    await set.bob.until(() => set.bob.of('denied').length > 0)
    expect(set.bob.of('error')).toMatchObject([[{ code: 'ERR_SHARE_ADMIT', cause: { message: 'broken' } }]])
    expect((await set.bob.database.info()).doc_count).toBe(0)
  })

  it('refuses when it never decides', async () => {
    let isAsked = () => {}
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve
    })
    const set = await scene({
      admit: () => {
        isAsked()
        return new Promise<boolean>(() => {})
      },
    })
    tell(set, [row('a')], [good('a')])
    await asked
    await set.runtime.clock.advance(ADMIT_TIMEOUT_MS - 1)
    expect(set.bob.of('denied')).toEqual([])
    await set.runtime.clock.advance(1)
    await set.bob.until(() => set.bob.of('denied').length > 0)
    expect(set.bob.of('denied')).toMatchObject([[{ doc: { reason: 'admit' } }]])
  })
})

describe('the end of sharing', () => {
  it('waits for no peer that does not confirm it', async () => {
    const set = await scene()
    set.mallory.open()
    Object.assign(set.mallory.channel, { abort() {} })
    const closed = set.bob.share.close()
    await set.runtime.clock.advance(CLOSE_TIMEOUT_MS)
    await closed
    expect(set.bob.of('complete')).toHaveLength(1)
    expect(set.runtime.clock.pending).toBe(0)
  })

  it('comes at once for a peer too many', async () => {
    const bob = await join('bob')
    people.push(bob)
    const ends = Array.from({ length: EXCHANGES_MAX + 1 }, (_, index) =>
      bob.share.replicate({ channel: createChannelPair()[0], peer: `peer ${index}` as PeerId }),
    )
    expect((await ends.at(-1)?.closed)?.error).toMatchObject({ code: 'ERR_SHARE_CLOSED' })
    expect(bob.share.progress).toHaveLength(EXCHANGES_MAX)
  })
})
