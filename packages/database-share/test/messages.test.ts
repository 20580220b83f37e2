import { describe, expect, it } from '@jest/globals'
import { utf8 } from '@resilient-swarm/contract'
import {
  BATCH_CHANGES_MAX,
  DATABASE_ID_LENGTH_MAX,
  DOCUMENT_ID_BYTES_MAX,
  LEAVES_MAX,
  PLACE_LENGTH_MAX,
  REVISION_HASH_LENGTH_MAX,
  REVISION_POSITION_MAX,
  WANTED_MAX,
} from '../src/limits.ts'
import { isDocumentId, parseAnswer, parseQuestion, parseRevision } from '../src/messages.ts'

const question = (fields: object) => parseQuestion(utf8(JSON.stringify(fields)))
const answer = (fields: object) => parseAnswer(utf8(JSON.stringify(fields)))
const rows = (given: unknown[], last: unknown = 1) => answer({ type: 'rows', request: 1, rows: given, last, pending: null })
const many = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value)

/** What is taken at the limit and is none one beyond it. */
const limits: [string, number, (size: number) => unknown][] = [
  ['bytes of an id', DOCUMENT_ID_BYTES_MAX, (size) => isDocumentId('x'.repeat(size)) || undefined],
  [
    'bytes of an id that are not its characters',
    DOCUMENT_ID_BYTES_MAX / 2,
    (size) => isDocumentId('é'.repeat(size)) || undefined,
  ],
  ['characters of a place', PLACE_LENGTH_MAX, (size) => rows([], 'x'.repeat(size))],
  [
    'characters of a place to go on from',
    PLACE_LENGTH_MAX,
    (size) => question({ type: 'changes', request: 1, since: 'x'.repeat(size), limit: 1, wait: false }),
  ],
  [
    'characters of a database’s own name',
    DATABASE_ID_LENGTH_MAX,
    (size) => question({ type: 'open', v: 1, database: 'x'.repeat(size), documentBytesMax: 1 }),
  ],
  ['characters of a revision’s hash', REVISION_HASH_LENGTH_MAX, (size) => parseRevision(`1-${'x'.repeat(size)}`)],
  ['a revision’s position', REVISION_POSITION_MAX, (size) => parseRevision(`${size}-x`)],
  ['leaves of a row', LEAVES_MAX, (size) => rows([['a', 1, many(size, '1-a')]])],
  ['rows of a page', BATCH_CHANGES_MAX, (size) => rows(many(size, ['a', 1, ['1-a']]))],
  [
    'changes asked for',
    BATCH_CHANGES_MAX,
    (size) => question({ type: 'changes', request: 1, since: 0, limit: size, wait: true }),
  ],
  [
    'revisions asked for',
    WANTED_MAX,
    (size) => question({ type: 'documents', request: 1, bytesMax: 1, wanted: many(size, ['a', '1-a']) }),
  ],
  ['documents told together', WANTED_MAX, (size) => answer({ type: 'found', request: 1, documents: many(size, null) })],
]

describe('a message', () => {
  it.each(limits)('has at most so many %s: %i', (_, max, read) => {
    expect(read(max)).toBeDefined()
    expect(read(max + 1)).toBeUndefined()
  })

  it('tells of at least one document, asks for one, and a row has a leaf', () => {
    expect(answer({ type: 'found', request: 1, documents: [] })).toBeUndefined()
    expect(question({ type: 'documents', request: 1, bytesMax: 1, wanted: [] })).toBeUndefined()
    expect(rows([['a', 1, []]])).toBeUndefined()
  })
})

describe('the id of a shared document', () => {
  it.each(['', '_design/x', '_local/x', '__proto__', 'half \ud800'])('is not %j', (id) => {
    expect(isDocumentId(id)).toBe(false)
  })
})
