import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createLineDecoder, encodeLine } from '../src/chat-lines.ts'
import { CHAT_LINE_BYTES_MAX } from '../src/limits.ts'

const seed = Date.now()
const runs = { seed, numRuns: 1_000 }
const line = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !text.includes('\n'))

/** Cuts bytes at the given places, wherever they fall. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.byteLength + 1)), bytes.byteLength].sort((one, other) => one - other)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

describe(`chat lines (seed ${seed})`, () => {
  it('come out as they went in, however the bytes were cut', () => {
    const lines = fc.array(line, { maxLength: 8 })
    fc.assert(
      fc.property(lines, fc.array(fc.nat(), { maxLength: 6 }), (sent, places) => {
        const bytes = Uint8Array.from(sent.flatMap((text) => [...encodeLine(text)]))
        const decoder = createLineDecoder()
        expect(cut(bytes, places).flatMap((part) => decoder.push(part))).toEqual(sent)
      }),
      runs,
    )
  })

  it('are decoded to text or refused, whatever mallory sends', () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: CHAT_LINE_BYTES_MAX }), { maxLength: 6 })
    fc.assert(
      fc.property(chunks, (parts) => {
        const decoder = createLineDecoder()
        for (const part of parts) {
          const lines = decoder.push(part)
          if (lines === 'invalid') continue
          for (const text of lines) {
            expect(text).not.toContain('\n')
            expect(encodeLine(text).byteLength).toBeLessThanOrEqual(CHAT_LINE_BYTES_MAX + 1)
          }
        }
      }),
      runs,
    )
  })

  it('may be as long as the limit and not a byte longer', () => {
    const longest = 'a'.repeat(CHAT_LINE_BYTES_MAX)
    expect(createLineDecoder().push(encodeLine(longest))).toEqual([longest])
    expect(() => encodeLine(`${longest}a`)).toThrow(RangeError)
    expect(createLineDecoder().push(new TextEncoder().encode(`${longest}a\n`))).toBe('invalid')
  })

  it('that never end are refused at the limit, in one piece or in many', () => {
    const decoder = createLineDecoder()
    expect(decoder.push(new Uint8Array(CHAT_LINE_BYTES_MAX).fill(0x61))).toEqual([])
    expect(decoder.push(new Uint8Array(1).fill(0x61))).toBe('invalid')
  })

  it('that are not UTF-8 are refused, and so is everything after them', () => {
    const decoder = createLineDecoder()
    expect(decoder.push(Uint8Array.of(0xc3, 0x28, 0x0a))).toBe('invalid')
    expect(decoder.push(encodeLine('good again'))).toBe('invalid')
  })

  it('are the bytes that the README prints', () => {
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
    const rows = [...readme.matchAll(/^\| `((?:[0-9a-f]{2} ?)+)` \| the line `(.+)` \|$/gm)]
    expect(rows).toHaveLength(2)
    for (const [, hex = '', text = ''] of rows)
      expect(Buffer.from(encodeLine(text)).toString('hex')).toBe(hex.replaceAll(' ', ''))
    expect(readme).toContain(`at most ${CHAT_LINE_BYTES_MAX.toLocaleString('en')} bytes`)
  })

  it('are one line each: text with a newline is the caller’s mistake', () => {
    expect(() => encodeLine('one\ntwo')).toThrow(RangeError)
    expect(() => encodeLine('one\n')).toThrow(RangeError)
  })
})
