import { describe, expect, it } from '@jest/globals'
import { concatBytes, utf8 } from '@resilient-swarm/contract'
import fc from 'fast-check'
import { CLOSE_CODES, type Violation } from '../src/close-codes.ts'
import { RPC_LIMITS } from '../src/limits.ts'
import { LineSplitter, LineWriter } from '../src/lines.ts'
import { settle } from './actors.ts'
import { createSubstreamPair } from './substream-pair.ts'

const MAX = RPC_LIMITS.lineBytesMax

function split(
  chunks: readonly Uint8Array[],
  lineBytesMax = MAX,
): { lines: string[]; violation: Violation | undefined; isInsideLine: boolean } {
  const splitter = new LineSplitter({ lineBytesMax })
  const lines: string[] = []
  let violation: Violation | undefined
  for (const chunk of chunks) {
    violation = splitter.push(chunk, (line) => {
      lines.push(line)
      return undefined
    })
    if (violation !== undefined) break
  }
  return { lines, violation, isInsideLine: splitter.isInsideLine }
}

describe('LineSplitter', () => {
  it('takes a line of the maximum in one piece and in many', () => {
    const bytes = utf8(`${'x'.repeat(MAX)}\n`)
    expect(split([bytes]).lines).toEqual(['x'.repeat(MAX)])
    expect(split(cut(bytes, 1000)).lines).toEqual(['x'.repeat(MAX)])
  })

  it('refuses a line of one byte more, in one piece and in many, ended or not', () => {
    const bytes = utf8(`${'x'.repeat(MAX + 1)}\n`)
    for (const chunks of [[bytes], cut(bytes, 1000), [bytes.subarray(0, MAX + 1)]]) {
      expect(split(chunks)).toMatchObject({ lines: [], violation: CLOSE_CODES.lineTooLong })
    }
  })

  it('counts bytes, not characters', () => {
    const atMax = 'é'.repeat(MAX / 2)
    expect(split([utf8(`${atMax}\n`)]).violation).toBeUndefined()
    expect(split([utf8(`${atMax}x\n`)]).violation).toBe(CLOSE_CODES.lineTooLong)
    expect(split([utf8(`a\n${atMax}é\n`)])).toMatchObject({ lines: ['a'], violation: CLOSE_CODES.lineTooLong })
  })

  it('holds no more than a line of what never ends', () => {
    const chunk = new Uint8Array(1024).fill(0x78)
    expect(split(Array.from({ length: 64 }, () => chunk))).toMatchObject({ violation: undefined, isInsideLine: true })
    expect(split([...Array.from({ length: 64 }, () => chunk), Uint8Array.of(0x78)]).violation).toBe(CLOSE_CODES.lineTooLong)
  })

  it('stops at the first violation of the reader', () => {
    const splitter = new LineSplitter({ lineBytesMax: MAX })
    const seen: string[] = []
    const violation = splitter.push(utf8('a\nb\nc\n'), (line) => {
      seen.push(line)
      return line === 'b' ? CLOSE_CODES.notJson : undefined
    })
    expect([seen, violation]).toEqual([['a', 'b'], CLOSE_CODES.notJson])
  })

  it('refuses what is not UTF-8', () => {
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80]]) {
      expect(split([Uint8Array.from([...bad, 0x0a])]).violation).toBe(CLOSE_CODES.notUtf8)
    }
  })

  const seed = Date.now() & 0x7fffffff

  it(`finds the same lines however the bytes are cut (seed ${seed})`, () => {
    const text = fc.array(
      fc.string({ unit: 'binary', maxLength: 20 }).map((line) => line.replaceAll('\n', ' ')),
      { maxLength: 8 },
    )
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(text, fc.string({ unit: 'binary', maxLength: 5 }), sizes, (lines, rest, pieces) => {
        const tail = rest.replaceAll('\n', ' ')
        const bytes = utf8([...lines, tail].join('\n'))
        const result = split(cut(bytes, ...pieces))
        expect(result).toEqual({ lines: lines.map(wellFormed), violation: undefined, isInsideLine: tail !== '' })
      }),
      { seed, numRuns: 1000 },
    )
  })

  it(`ends with a number or goes on, whatever the bytes are (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 6 }), (chunks) => {
        const { violation, lines } = split(chunks, 64)
        expect([undefined, CLOSE_CODES.lineTooLong, CLOSE_CODES.notUtf8]).toContain(violation)
        for (const line of lines) expect(utf8(line).byteLength).toBeLessThanOrEqual(64)
      }),
      { seed, numRuns: 2000 },
    )
  })
})

describe('LineWriter', () => {
  it('sends the lines of one tick in one write', async () => {
    const [alice, bob] = createSubstreamPair()
    const writer = new LineWriter(alice.raw())
    const writes = collect(bob.raw())
    for (const line of ['a', 'b', 'c']) writer.write(line)
    await settle()
    writer.write('d')
    await settle()
    expect(writes).toEqual(['a\nb\nc\n', 'd\n'])
  })

  it('waits when the substream says so, tells when it may go on, and keeps the order', async () => {
    const [alice, bob] = createSubstreamPair({ creditBytes: 4 })
    const writer = new LineWriter(alice.raw())
    let writable = 0
    writer.onWritable = () => writable++
    const received: Uint8Array[] = []
    const other = bob.raw()
    other.onBytes = (bytes) => received.push(bytes)
    writer.write('1234')
    await settle()
    writer.write('5678')
    await settle()
    expect([received.length, writer.isBlocked, writer.waitingBytes, writable]).toEqual([1, true, 5, 0])
    other.consume(5)
    await settle()
    expect([received.length, writer.isBlocked, writer.waitingBytes, writable]).toEqual([2, true, 0, 0])
    other.consume(5)
    await settle()
    expect([writer.isBlocked, writable]).toEqual([false, 1])
    expect(new TextDecoder().decode(concatBytes(...received))).toBe('1234\n5678\n')
  })

  it('hands over everything before it ends, and nothing after', async () => {
    const [alice, bob] = createSubstreamPair({ creditBytes: 4 })
    const writer = new LineWriter(alice.raw())
    const writes = collect(bob.raw())
    writer.write('1234')
    await settle()
    writer.write('5678')
    writer.end()
    writer.write('late')
    await settle()
    expect(writes.join('')).toBe('1234\n5678\n')
  })

  it('writes nothing after an abort', async () => {
    const [alice, bob] = createSubstreamPair()
    const writer = new LineWriter(alice.raw())
    const writes = collect(bob.raw())
    writer.write('a')
    writer.abort()
    await settle()
    expect([writes, writer.waitingBytes]).toEqual([[], 0])
  })
})

function collect(raw: { onBytes: (bytes: Uint8Array) => void }): string[] {
  const writes: string[] = []
  raw.onBytes = (bytes) => writes.push(new TextDecoder().decode(bytes))
  return writes
}

/** Pieces of these sizes, over and over. */
function cut(bytes: Uint8Array, ...sizes: number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let start = 0, index = 0; start < bytes.byteLength; index++) {
    const size = sizes[index % sizes.length] ?? 1
    pieces.push(bytes.subarray(start, start + size))
    start += size
  }
  return pieces
}

function wellFormed(text: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(utf8(text))
}
