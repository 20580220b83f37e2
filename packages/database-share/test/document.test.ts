import { describe, expect, it } from '@jest/globals'
import { checkDocument, trimAncestry } from '../src/document.ts'
import { ATTACHMENTS_MAX, DOCUMENT_ID_BYTES_MAX, REVISIONS_MAX } from '../src/limits.ts'

const good = { _id: 'a', _rev: '1-a', _revisions: { start: 1, ids: ['a'] } }
const attachments = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`file ${index}`, { content_type: 'text/plain', data: 'YQ==' }]))
const hashes = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)
const aged = (count: number) => ({ ...good, _rev: `${count}-0`, _revisions: { start: count, ids: hashes(count) } })

describe('a document that a peer hands on', () => {
  it(`has at most ${ATTACHMENTS_MAX} attachments`, () => {
    expect(checkDocument({ ...good, _attachments: attachments(ATTACHMENTS_MAX) })).toMatchObject(good)
    expect(checkDocument({ ...good, _attachments: attachments(ATTACHMENTS_MAX + 1) })).toBe('attachment')
  })

  it(`has an id of at most ${DOCUMENT_ID_BYTES_MAX} bytes`, () => {
    expect(checkDocument({ ...good, _id: 'x'.repeat(DOCUMENT_ID_BYTES_MAX) })).toHaveProperty('_rev', '1-a')
    expect(checkDocument({ ...good, _id: 'x'.repeat(DOCUMENT_ID_BYTES_MAX + 1) })).toBe('id')
  })

  it(`has at most ${REVISIONS_MAX} ancestors, and no more than its number`, () => {
    expect(checkDocument(aged(REVISIONS_MAX))).toHaveProperty('_id', 'a')
    expect(checkDocument(aged(REVISIONS_MAX + 1))).toBe('revision')
    expect(checkDocument({ ...good, _revisions: { start: 1, ids: ['a', 'b'] } })).toBe('revision')
    expect(checkDocument({ ...aged(2), _revisions: { start: 2, ids: ['0', 'not one word'] } })).toBe('revision')
  })
})

describe('a document of ours', () => {
  it('travels with as many ancestors as any reader takes', () => {
    expect(trimAncestry(aged(REVISIONS_MAX))._revisions.ids).toHaveLength(REVISIONS_MAX)
    expect(trimAncestry(aged(REVISIONS_MAX + 1))._revisions).toEqual({ start: REVISIONS_MAX + 1, ids: hashes(REVISIONS_MAX) })
  })
})
