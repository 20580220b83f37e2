import { describe, expect, it } from '@jest/globals'
import { concatBytes, encodeHex, encodeVarint, readVarint } from '@resilient-swarm/contract'
import fc from 'fast-check'
import { FrameScanner } from '../src/frame-scanner.ts'
import { CONTROL_BYTES_MAX, MESSAGE_BYTES_MAX } from '../src/limits.ts'
import { type ControlFrame, decodeControl, encodeControl, encodeMessageHeader, FRAME_TYPES } from '../src/messages.ts'
import { keys } from './three-nodes.ts'

const key = fc.constantFrom(...Object.values(keys).map(({ publicKey }) => publicKey))
const circuitId = fc.uint8Array({ minLength: 16, maxLength: 16 })
const code = fc.integer({ min: 0, max: 0xffff })
const durationMs = fc.integer({ min: 1_000, max: 86_400_000 })
const limits = fc.record({
  bytesPerSecond: fc.oneof(fc.integer({ min: 1, max: 2 ** 40 }), fc.constant(Number.POSITIVE_INFINITY)),
  burstBytes: fc.integer({ min: 1, max: 2 ** 40 }),
  durationMs,
})
const control: fc.Arbitrary<ControlFrame> = fc.oneof(
  fc.record({ type: fc.constant('connect' as const), to: key, circuitId }),
  fc.record({ type: fc.constant('incoming' as const), from: key, circuitId, limits }),
  fc.record({ type: fc.constant('accept' as const), limits: fc.option(limits, { nil: undefined }) }),
  fc.record({ type: fc.constantFrom('refuse' as const, 'close' as const, 'end' as const), code }),
  fc.record({ type: fc.constant('drain' as const), leftMs: fc.integer({ min: 0, max: 86_400_000 }) }),
  fc.record({ type: fc.constant('renewed' as const), durationMs }),
  fc.constant({ type: 'renew' as const }),
)
const message = fc
  .oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 300 }) }, { weight: 1, arbitrary: fc.constantFrom(16_383, 16_384) })
  .chain((byteCount) => fc.integer({ min: 0, max: 255 }).map((fill) => new Uint8Array(byteCount).fill(fill)))
const frames = fc.array(fc.oneof(control, message), { maxLength: 12 })
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 })

const encode = (frame: ControlFrame | Uint8Array) =>
  frame instanceof Uint8Array ? concatBytes(encodeMessageHeader(frame.byteLength), frame) : encodeControl(frame)

/** As a text that compares: messages by their bytes, other frames by their own encoding. */
const show = (frame: ControlFrame | Uint8Array) => encodeHex(encode(frame))

function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let offset = 0, turn = 0; offset < bytes.byteLength; turn++) {
    const size = (sizes[turn % sizes.length] as number) ** (turn % 3 === 2 ? 3 : 1)
    yield bytes.subarray(offset, Math.min(offset + size, bytes.byteLength))
    offset += size
  }
}

/** What the scanner finds: frames as texts, and 'invalid' where it stops for good. */
function scan(chunks: Iterable<Uint8Array>): { found: string[]; scanner: FrameScanner } {
  const scanner = new FrameScanner()
  const found: string[] = []
  let pieces: Uint8Array[] = []
  for (const chunk of chunks) {
    for (let offset = 0; offset < chunk.byteLength; ) {
      const before = offset
      offset = scanner.step(chunk, offset)
      if (scanner.event === 'invalid') return { found: [...found, 'invalid'], scanner }
      if (scanner.event === 'control') found.push(show(scanner.control as ControlFrame))
      if (scanner.event === 'header') pieces = []
      if (scanner.event === 'payload') pieces.push(chunk.slice(before, offset))
      if ((scanner.event === 'header' || scanner.event === 'payload') && scanner.restBytes === 0) {
        found.push(show(concatBytes(...pieces)))
      }
    }
  }
  return { found, scanner }
}

/** The same, slowly: all the bytes at once. */
function slowScan(bytes: Uint8Array): string[] {
  const found: string[] = []
  for (let offset = 0; offset < bytes.byteLength; ) {
    const type = bytes[offset] as number
    if (!(type in NAMES)) return [...found, 'invalid']
    const length = readVarint(bytes.subarray(0, offset + 4), offset + 1)
    if (length === undefined && offset + 4 > bytes.byteLength) return found
    if (length === undefined || length === 'invalid') return [...found, 'invalid']
    if (length.value > (type === FRAME_TYPES.message ? MESSAGE_BYTES_MAX : CONTROL_BYTES_MAX)) return [...found, 'invalid']
    const end = length.end + length.value
    if (end > bytes.byteLength) return found
    const payload = bytes.slice(length.end, end)
    const frame = type === FRAME_TYPES.message ? payload : decodeControl(type, payload)
    if (!frame) return [...found, 'invalid']
    found.push(show(frame))
    offset = end
  }
  return found
}
const NAMES = Object.fromEntries(Object.entries(FRAME_TYPES).map(([name, type]) => [type, name]))

describe('FrameScanner', () => {
  it('finds every frame that was written, however the bytes were cut', () => {
    fc.assert(
      fc.property(frames, cuts, (written, sizes) => {
        const bytes = concatBytes(...written.map(encode))
        const { found, scanner } = scan(chunksOf(bytes, sizes))
        expect(found).toEqual(written.map(show))
        expect(scanner.isInside).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })

  it('finds of every prefix the frames that are whole in it, and knows when it is inside one', () => {
    fc.assert(
      fc.property(frames, fc.double({ min: 0, max: 1, noNaN: true }), cuts, (written, part, sizes) => {
        const encoded = written.map(encode)
        const bytes = concatBytes(...encoded)
        const prefix = bytes.subarray(0, Math.floor(bytes.byteLength * part))
        const { found, scanner } = scan(chunksOf(prefix, sizes))
        let whole = 0
        let end = 0
        for (const one of encoded) {
          if (end + one.byteLength > prefix.byteLength) break
          end += one.byteLength
          whole++
        }
        expect(found).toEqual(written.slice(0, whole).map(show))
        expect(scanner.isInside).toBe(end < prefix.byteLength)
      }),
      { numRuns: 1_000 },
    )
  })

  it('agrees with its slow twin on garbage, and never throws', () => {
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 60 }).map((bytes) => Uint8Array.from(bytes)),
      fc.tuple(frames, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([written, at, byte]) => {
        const bytes = concatBytes(...written.map(encode))
        if (bytes.byteLength > 0) bytes[at % bytes.byteLength] = byte
        return bytes
      }),
    )
    fc.assert(
      fc.property(garbage, cuts, (bytes, sizes) => {
        expect(scan(chunksOf(bytes, sizes)).found).toEqual(slowScan(bytes))
      }),
      { numRuns: 3_000 },
    )
  })

  it('takes the longest message and refuses one byte more', () => {
    expect(scan([encodeMessageHeader(MESSAGE_BYTES_MAX)]).found).toEqual([])
    expect(scan([encodeMessageHeader(MESSAGE_BYTES_MAX + 1)]).found).toEqual(['invalid'])
  })

  it('takes the longest control frame and refuses one byte more, before it is there', () => {
    const header = (byteCount: number) => concatBytes(Uint8Array.of(FRAME_TYPES.incoming), encodeVarint(byteCount))
    expect(scan([header(CONTROL_BYTES_MAX)]).found).toEqual([])
    expect(scan([header(CONTROL_BYTES_MAX + 1)]).found).toEqual(['invalid'])
  })

  it('tells the bytes of a header that came in two pieces', () => {
    const scanner = new FrameScanner()
    const bytes = concatBytes(encodeMessageHeader(300), new Uint8Array(300))
    expect(scanner.step(bytes.subarray(0, 2), 0)).toBe(2)
    expect([scanner.event, scanner.isBetweenMessages]).toEqual(['partial', true])
    expect(scanner.step(bytes.subarray(2), 0)).toBe(1)
    expect([scanner.event, scanner.headerStraddles, scanner.isBetweenMessages]).toEqual(['header', true, false])
    expect(scanner.header).toEqual(bytes.slice(0, 3))
  })
})
