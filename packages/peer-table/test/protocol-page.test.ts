import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { decodeHex, encodeHex } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { REPLICATION_END } from '../src/index.ts'
import { encodeRecord, type NamedLink, parseRecord, toPeerRecord } from '../src/peer-record.ts'
import { proveRecord, readDocument, sealRecord, toDocument } from '../src/record-envelope.ts'
import { shortNameOf } from '../src/short-name.ts'
import { encodeViewMessage, parseViewMessage, VIEW_MESSAGE, type ViewMessage } from '../src/view-messages.ts'

const page = readFileSync(new URL('../../../docs/protocol/peer-table.md', import.meta.url), 'utf8')

function blockOf(title: string): string {
  const block = page.match(new RegExp(`^\`\`\`${title}\\n([^\`]*)^\`\`\`$`, 'm'))?.[1]
  if (block === undefined) throw new Error(`the page has no ${title}`)
  return block
}
/** The bytes of one block of hex, without labels and breaks. */
const bytesOf = (title: string): string => blockOf(`hex ${title}`).replace(/#.*$/gm, '').replace(/\s/g, '')

describe('docs/protocol/peer-table.md', () => {
  const alice = createKeyPair({ seed: new Uint8Array(32).fill(1) })
  const bob = createKeyPair({ seed: new Uint8Array(32).fill(2) })
  const record = {
    id: alice.peerId,
    seq: 7,
    links: [{ key: bob.peerId, rttMs: 12.3 }],
    relay: true,
    info: { name: 'alice' },
    createdMs: 1_700_000_000_000,
    expiresMs: 1_700_000_900_000,
    left: false,
  }

  it('shows the record byte for byte', () => {
    const toBob = (links: readonly NamedLink[]) =>
      links.map(({ name, rttMs }) => ({ key: name === shortNameOf(bob.publicKey) ? bob.peerId : alice.peerId, rttMs }))
    expect(encodeHex(alice.publicKey)).toBe(bytesOf('key of alice'))
    expect(encodeHex(bob.publicKey)).toBe(bytesOf('key of bob'))
    expect(encodeHex(encodeRecord(record, 'public'))).toBe(bytesOf('payload'))
    const payload = parseRecord(decodeHex(bytesOf('payload')))
    expect(payload && toPeerRecord(alice.peerId, payload, toBob)).toEqual(record)
    expect(encodeHex(sealRecord(alice, record, 'public'))).toBe(
      bytesOf('key of alice') + bytesOf('signature') + bytesOf('payload'),
    )
  })

  it('shows its document and ancestry', () => {
    const document: unknown = JSON.parse(blockOf('json document'))
    const parsed = readDocument(document)
    if (typeof parsed === 'string') throw new Error(parsed)
    expect(proveRecord(parsed.read)).toEqual(alice.publicKey)
    const { _revisions, ...rest } = toDocument({ record, publicKey: alice.publicKey, envelope: parsed.read.envelope })
    expect(rest).toEqual(document)
    expect(_revisions.ids.map((id, at) => `${_revisions.start - at}-${id}`)).toEqual(blockOf('text ancestry').trim().split('\n'))
  })

  it('shows one message of each type', () => {
    const name = shortNameOf(bob.publicKey)
    const messages: ViewMessage[] = [
      { type: 'info', instance: new Uint8Array(16).fill(0xaa), feedSeq: 300, count: 12 },
      {
        type: 'subscribe',
        since: 300,
        ahead: 256,
        digest: { salt: new Uint8Array(8).fill(0x55), sums: Uint32Array.of(1, 0xfedcba98) },
      },
      { type: 'changes', changes: [{ step: 1, name, check: 0xb40a, seq: 7 }] },
      { type: 'done', feedSeq: 301 },
      { type: 'caughtUp', feedSeq: 301 },
      { type: 'bulkGet', request: 1, names: [name] },
      { type: 'documents', request: 1, last: true, envelopes: [] },
      { type: 'pace', eager: false },
    ]
    expect(messages.map(({ type }) => type)).toEqual(Object.keys(VIEW_MESSAGE))
    for (const message of messages) {
      expect(encodeHex(encodeViewMessage(message))).toBe(bytesOf(message.type))
      expect(parseViewMessage(decodeHex(bytesOf(message.type)))).toEqual(message)
    }
  })

  it('lists every message and every end', () => {
    for (const [name, type] of Object.entries(VIEW_MESSAGE)) expect(page).toContain(`| ${type} | ${name} |`)
    for (const [name, code] of Object.entries(REPLICATION_END)) expect(page).toContain(`| ${code} | ${name} |`)
  })
})
