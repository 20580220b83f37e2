import { describe, expect, it } from '@jest/globals'
import { concatBytes, encodeVarint } from '@resilient-swarm/contract'
import fc from 'fast-check'
import { CLOSE_CODE_MAX, CLOSE_CODES } from '../src/close-codes.ts'
import { ProtocolViolation } from '../src/errors.ts'
import { decodeFrame, encodeFrame, FRAME_TYPES, type Frame, TAG_BYTES, writeData } from '../src/frame.ts'
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX } from '../src/limits.ts'
import { fuzz } from './fuzz.ts'

const number = fc.oneof(fc.nat(), fc.maxSafeNat())
const tag = fc.uint8Array({ minLength: TAG_BYTES, maxLength: TAG_BYTES }).filter((bytes) => bytes.some((byte) => byte !== 0))
const code = fc.nat({ max: CLOSE_CODE_MAX })
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('hello' as const), tag, peerTag: fc.option(tag, { nil: undefined }), received: number }),
  fc.record({ type: fc.constant('data' as const), seq: number, ack: number, bytes: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ type: fc.constant('ack' as const), ack: number }),
  fc.record({ type: fc.constant('ping' as const), id: number }),
  fc.record({ type: fc.constant('pong' as const), id: number }),
  fc.record({ type: fc.constant('drain' as const) }),
  fc.record({ type: fc.constant('close' as const), seq: number, code }),
  fc.record({ type: fc.constant('abort' as const), code }),
)

function violation(message: Uint8Array): number | undefined {
  try {
    decodeFrame(message)
  } catch (error) {
    return error instanceof ProtocolViolation ? error.closeCode : undefined
  }
  return undefined
}

describe('frames', () => {
  it('decode to what was encoded', () => {
    fuzz(fc.property(frame, (one) => expect(decodeFrame(encodeFrame(one))).toEqual(one)))
  })

  it('have one spelling: whatever decodes encodes to the same bytes, and everything else is frameMalformed', () => {
    const nearly = fc
      .tuple(frame, fc.nat(), fc.nat({ max: 255 }), fc.integer({ min: -3, max: 3 }))
      .map(([one, at, byte, more]) => {
        const bytes = encodeFrame(one)
        bytes[at % bytes.byteLength] = byte
        return more > 0 ? concatBytes(bytes, new Uint8Array(more)) : bytes.subarray(0, bytes.byteLength + more)
      })
    let decoded = 0
    fuzz(
      fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        const refused = violation(bytes)
        if (refused === undefined) {
          decoded++
          expect(encodeFrame(decodeFrame(bytes))).toEqual(new Uint8Array(bytes))
        } else expect(refused).toBe(CLOSE_CODES.frameMalformed)
      }),
      3000,
    )
    expect(decoded).toBeGreaterThan(100)
  })

  it('are refused one byte over the longest, and taken at it', () => {
    const data = (byteCount: number) => concatBytes(Uint8Array.of(FRAME_TYPES.data, 0, 0), new Uint8Array(byteCount - 3))
    expect(violation(data(FRAME_BYTES_MAX))).toBeUndefined()
    expect(violation(data(FRAME_BYTES_MAX + 1))).toBe(CLOSE_CODES.frameMalformed)
  })

  it('of DATA have room for the largest numbers', () => {
    const bytes = new Uint8Array(FRAME_BYTES_MAX - HEADER_BYTES_MAX)
    const largest = { seq: Number.MAX_SAFE_INTEGER, ack: Number.MAX_SAFE_INTEGER, bytes }
    const written = writeData({ ...largest, freeBytesBefore: 0 }, (byteCount) => new Uint8Array(byteCount))
    expect(written.byteLength).toBe(FRAME_BYTES_MAX)
    expect(written).toEqual(encodeFrame({ type: 'data', ...largest }))
  })

  it.each([
    { freeBytesBefore: 5, copies: 0 },
    { freeBytesBefore: 4, copies: 1 },
    { freeBytesBefore: 0, copies: 1 },
  ])('of DATA are written around their bytes when $freeBytesBefore bytes before them are free', ({ freeBytesBefore, copies }) => {
    const buffer = new Uint8Array(12).fill(9)
    const data = { seq: 200, ack: 300, bytes: buffer.subarray(8) }
    let cuts = 0
    const written = writeData({ ...data, freeBytesBefore }, (byteCount) => {
      cuts++
      return new Uint8Array(byteCount)
    })
    expect(written).toEqual(encodeFrame({ type: 'data', seq: 200, ack: 300, bytes: new Uint8Array(4).fill(9) }))
    expect(cuts).toBe(copies)
    // What is not free is somebody else's.
    expect(buffer.subarray(0, 8 - freeBytesBefore)).toEqual(new Uint8Array(8 - freeBytesBefore).fill(9))
  })

  it.each([
    ['nothing', new Uint8Array(0)],
    ['an unknown type', Uint8Array.of(8)],
    ['a number over 2^53 - 1', Uint8Array.of(FRAME_TYPES.ack, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10)],
    ['a number longer than needed', Uint8Array.of(FRAME_TYPES.ack, 0x80, 0x00)],
    ['a number cut off', Uint8Array.of(FRAME_TYPES.ping, 0x80)],
    ['bytes behind the last field', Uint8Array.of(FRAME_TYPES.ack, 1, 1)],
    ['a DRAIN with a field', Uint8Array.of(FRAME_TYPES.drain, 0)],
    ['a HELLO without a tag', concatBytes(Uint8Array.of(FRAME_TYPES.hello), new Uint8Array(2 * TAG_BYTES + 1))],
    [
      'a HELLO cut off',
      encodeFrame({ type: 'hello', tag: new Uint8Array(TAG_BYTES).fill(1), peerTag: undefined, received: 0 }).subarray(0, -1),
    ],
    ['a close code that no path can carry', concatBytes(Uint8Array.of(FRAME_TYPES.abort), encodeVarint(CLOSE_CODE_MAX + 1))],
  ])('refuse %s', (_, bytes) => {
    expect(violation(bytes)).toBe(CLOSE_CODES.frameMalformed)
  })
})
