import { describe, expect, it } from '@jest/globals'
import { concatBytes, decodeHex, encodeHex, utf8 } from '@resilient-swarm/contract'
import { createSeededRandom } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { CLOSE_CODES, ProtocolViolation } from '../src/errors.ts'
import { encodeFrame, FLAGS, type Flag, type Frame, FrameDecoder } from '../src/frame.ts'
import { PLAIN_FRAME_BYTES_MAX, SUBSTREAM_ID_MAX, TYPE_BYTES_MAX } from '../src/limits.ts'
import { cpuMs } from './cpu-time.ts'

const SEED = Date.now()
const RUNS = { numRuns: 1000, seed: SEED }
const HANG_MS = 50
const noise = createSeededRandom(SEED).bytes(128 * 1024)

interface Read {
  readonly flag: Flag
  readonly id: number
  readonly data: string
}

/** What a decoder makes of the messages: frames (parts of one data frame joined), or the code it ended with. */
function decode(messages: readonly Uint8Array[], { spanning = false, joined = false } = {}): { frames: Read[]; code?: number } {
  const frames: Read[] = []
  const onFrame = (flag: Flag, id: number, data: Uint8Array) => {
    const last = frames.at(-1)
    const isData = flag === FLAGS.messageInitiator || flag === FLAGS.messageReceiver
    if (joined && isData && last?.flag === flag && last.id === id)
      frames.splice(-1, 1, { flag, id, data: last.data + encodeHex(data) })
    else frames.push({ flag, id, data: encodeHex(data) })
  }
  const decoder = new FrameDecoder({ spanning, onFrame })
  try {
    for (const message of messages) decoder.push(message)
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error
    return { frames, code: error.closeCode }
  }
  return { frames }
}

describe('encodeFrame', () => {
  it.each<[string, Frame, string]>([
    ['the first open', { flag: FLAGS.newStream, id: 0, data: utf8('chat') }, '000463686174'],
    ['data from the opener', { flag: FLAGS.messageInitiator, id: 0, data: Uint8Array.of(1, 2, 3) }, '0203010203'],
    ['data from the other side', { flag: FLAGS.messageReceiver, id: 1, data: Uint8Array.of(255) }, '0901ff'],
    ['an end from the opener', { flag: FLAGS.closeInitiator, id: 2 }, '1400'],
    ['an end from the other side', { flag: FLAGS.closeReceiver, id: 2 }, '1300'],
    ['a reset from the opener', { flag: FLAGS.resetInitiator, id: 15 }, '7e00'],
    ['a reset from the other side', { flag: FLAGS.resetReceiver, id: 16 }, '850100'],
    ['an id of 2^11', { flag: FLAGS.closeInitiator, id: 2048 }, '84800100'],
    ['an id of 2^18', { flag: FLAGS.closeInitiator, id: 262144 }, '8480800100'],
    ['the greatest id', { flag: FLAGS.credit, id: SUBSTREAM_ID_MAX, data: Uint8Array.of(2) }, 'ffffffff070102'],
    ['128 bytes of data', { flag: FLAGS.messageInitiator, id: 0, data: new Uint8Array(128) }, `028001${'00'.repeat(128)}`],
  ])('writes %s', (_what, frame, hex) => {
    expect(encodeHex(encodeFrame(frame))).toBe(hex)
    const { flag, id, data = new Uint8Array(0) } = frame
    expect(decode([decodeHex(hex)])).toEqual({ frames: [{ flag, id, data: encodeHex(data) }] })
  })
})

describe('FrameDecoder', () => {
  it.each<[string, string, number]>([
    ['an id over the greatest', 'ffffffff0f00', CLOSE_CODES.frameMalformed],
    ['a header of six bytes', '8080808080010000', CLOSE_CODES.frameMalformed],
    ['a header that is longer than needed', '840000', CLOSE_CODES.frameMalformed],
    ['a length that is longer than needed', '028000', CLOSE_CODES.frameMalformed],
    ['a length over 2^31 - 1', '02ffffffff0f', CLOSE_CODES.frameMalformed],
    ['a length of one byte over the maximum', '02818040', CLOSE_CODES.frameTooLong],
    ['a length of the maximum that its message does not hold', '02808040', CLOSE_CODES.frameTruncated],
    ['half a header', '80', CLOSE_CODES.frameTruncated],
    ['a header without a length', '02', CLOSE_CODES.frameTruncated],
    ['data that ends early', '020301', CLOSE_CODES.frameTruncated],
    ['a type that ends early', '000463', CLOSE_CODES.frameTruncated],
    ['a type of 65 bytes', `0041${'61'.repeat(65)}`, CLOSE_CODES.typeInvalid],
    ['a credit of six bytes', '0706808080808001', CLOSE_CODES.creditInvalid],
    ['an end with data', '040100', CLOSE_CODES.frameMalformed],
    ['a reset with data', '060100', CLOSE_CODES.frameMalformed],
  ])('ends at %s', (_what, hex, code) => {
    expect(decode([decodeHex(hex)]).code).toBe(code)
  })

  it('takes a type of exactly its maximum', () => {
    const type = 'a'.repeat(TYPE_BYTES_MAX)
    const { frames } = decode([encodeFrame({ flag: FLAGS.newStream, id: 0, data: utf8(type) })])
    expect(frames).toEqual([{ flag: FLAGS.newStream, id: 0, data: encodeHex(utf8(type)) }])
  })

  it('takes a plain frame of the maximum, and skips what hangs on an end', () => {
    const data = new Uint8Array(PLAIN_FRAME_BYTES_MAX).fill(1)
    const bytes = concatBytes(encodeFrame({ flag: FLAGS.messageInitiator, id: 0, data }), decodeHex('0403aabbcc0400'))
    const { frames, code } = decode([bytes.subarray(0, 70_000), bytes.subarray(70_000)], { spanning: true, joined: true })
    expect(code).toBeUndefined()
    expect(frames.map(({ flag, data }) => [flag, data.length / 2])).toEqual([
      [FLAGS.messageInitiator, PLAIN_FRAME_BYTES_MAX],
      [FLAGS.closeInitiator, 0],
      [FLAGS.closeInitiator, 0],
    ])
  })

  it('hands data on without a copy', () => {
    const message = decodeHex('0203010203')
    let seen: Uint8Array | undefined
    new FrameDecoder({
      spanning: false,
      onFrame: (_flag, _id, data) => {
        seen = data
      },
    }).push(message)
    expect(seen?.buffer).toBe(message.buffer)
  })
})

const frames = fc.array(
  fc.record({
    flag: fc.integer({ min: 0, max: 7 }) as fc.Arbitrary<Flag>,
    id: fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: SUBSTREAM_ID_MAX })),
    data: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 12 },
)

/** The data that this flag may have. */
function fitting({ flag, id, data }: Required<Frame>): Required<Frame> {
  if (flag === FLAGS.credit) return { flag, id, data: data.slice(0, 5) }
  if (flag === FLAGS.newStream) return { flag, id, data: data.slice(0, TYPE_BYTES_MAX) }
  const isData = flag === FLAGS.messageInitiator || flag === FLAGS.messageReceiver
  return { flag, id, data: isData ? data : new Uint8Array(0) }
}

describe(`the frame codec, seed ${SEED}`, () => {
  it('reads what it wrote, several frames a message', () => {
    fc.assert(
      fc.property(frames, (given) => {
        const wanted = given.map(fitting)
        expect(decode([concatBytes(...wanted.map(encodeFrame))]).frames).toEqual(
          wanted.map(({ flag, id, data }) => ({ flag, id, data: encodeHex(data) })),
        )
      }),
      RUNS,
    )
  })

  it('reads the same whatever the cuts, when frames may span messages', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }), (given, cuts) => {
        const bytes = concatBytes(...given.map(fitting).map(encodeFrame))
        const messages: Uint8Array[] = []
        for (let offset = 0, turn = 0; offset < bytes.byteLength; turn++) {
          const size = cuts[turn % cuts.length] as number
          messages.push(bytes.slice(offset, offset + size))
          offset += size
        }
        const whole = decode([bytes], { spanning: true, joined: true })
        expect(decode(messages, { spanning: true, joined: true })).toEqual(whole)
      }),
      RUNS,
    )
  })

  it.each([true, false])('ends mutated and random bytes with a code or not at all, within 50 ms (spanning: %p)', (spanning) => {
    const bytes = fc.oneof(
      // Cut from one noise: fast-check takes long to make 64 KiB byte by byte, and nobody reads such a counterexample.
      fc.tuple(fc.nat({ max: 64 * 1024 }), fc.nat({ max: 64 * 1024 })).map(([at, length]) => noise.slice(at, at + length)),
      fc.tuple(frames, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 })).map(([given, changes]) => {
        const whole = concatBytes(...given.map(fitting).map(encodeFrame))
        for (const [at, byte] of changes) if (whole.byteLength > 0) whole[at % whole.byteLength] = byte
        return whole
      }),
    )
    let slowestMs = 0
    fc.assert(
      fc.property(bytes, (message) => {
        const decoder = new FrameDecoder({ spanning, onFrame: () => {} })
        const startMs = cpuMs()
        try {
          decoder.push(message)
        } catch (error) {
          if (!(error instanceof ProtocolViolation)) throw error
        }
        slowestMs = Math.max(slowestMs, cpuMs() - startMs)
      }),
      RUNS,
    )
    expect(slowestMs).toBeLessThan(HANG_MS)
  })
})
