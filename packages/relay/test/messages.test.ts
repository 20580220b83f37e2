import { describe, expect, it } from '@jest/globals'
import { concatBytes, decodeHex, encodeVarint } from '@resilient-swarm/contract'
import { DURATION_MS_MAX, DURATION_MS_MIN } from '../src/limits.ts'
import { decodeControl, FRAME_TYPES, payloadBytesMax } from '../src/messages.ts'
import { keys } from './three-nodes.ts'

const { publicKey } = keys.alice
const id = new Uint8Array(16).fill(7)
const varints = (...values: number[]) => concatBytes(...values.map(encodeVarint))

describe('decodeControl', () => {
  it.each([
    ['CONNECT without a byte of its id', FRAME_TYPES.connect, concatBytes(publicKey, id.subarray(1))],
    ['CONNECT with a byte too many', FRAME_TYPES.connect, concatBytes(publicKey, id, id.subarray(15))],
    ['CONNECT to a key of small order', FRAME_TYPES.connect, concatBytes(new Uint8Array(32), id)],
    [
      'INCOMING from bytes that are no key',
      FRAME_TYPES.incoming,
      concatBytes(new Uint8Array(32).fill(0xff), id, varints(1, 1, 1000)),
    ],
    ['INCOMING without limits', FRAME_TYPES.incoming, concatBytes(publicKey, id)],
    ['INCOMING with two limits', FRAME_TYPES.incoming, concatBytes(publicKey, id, varints(1, 1))],
    ['INCOMING with four limits', FRAME_TYPES.incoming, concatBytes(publicKey, id, varints(1, 1, 1000, 1))],
    ['ACCEPT with two limits', FRAME_TYPES.accept, varints(1, 1)],
    ['ACCEPT with a varint in another spelling', FRAME_TYPES.accept, decodeHex('8100' + '01' + '01')],
    ['REFUSE without a code', FRAME_TYPES.refuse, new Uint8Array(0)],
    ['REFUSE with a code over two bytes', FRAME_TYPES.refuse, varints(0x1_0000)],
    ['REFUSE with a byte too many', FRAME_TYPES.refuse, varints(1, 1)],
    ['DRAIN without a time', FRAME_TYPES.drain, new Uint8Array(0)],
    ['RENEW with a byte', FRAME_TYPES.renew, Uint8Array.of(0)],
    ['RENEWED without a time', FRAME_TYPES.renewed, new Uint8Array(0)],
    ['CLOSE without a code', FRAME_TYPES.close, new Uint8Array(0)],
    ['CLOSE with a code over two bytes', FRAME_TYPES.close, varints(0x1_0000)],
    ['END with two codes', FRAME_TYPES.end, varints(1, 2)],
    ['a MESSAGE, which is none of these', FRAME_TYPES.message, new Uint8Array(3)],
    ['type 0', 0, new Uint8Array(0)],
    ['type 11', 11, new Uint8Array(0)],
  ])('refuses %s', (_, type, payload) => {
    expect(decodeControl(type, payload)).toBeUndefined()
  })

  it.each([
    ['0 ms', 0, DURATION_MS_MIN],
    ['the shortest', DURATION_MS_MIN, DURATION_MS_MIN],
    ['the longest', DURATION_MS_MAX, DURATION_MS_MAX],
    ['a ms more', DURATION_MS_MAX + 1, DURATION_MS_MAX],
    ['2⁵³ − 1 ms', Number.MAX_SAFE_INTEGER, DURATION_MS_MAX],
  ])('clamps times that a relay tells: %s', (_, told, durationMs) => {
    expect(decodeControl(FRAME_TYPES.renewed, varints(told))).toEqual({ type: 'renewed', durationMs })
    expect(decodeControl(FRAME_TYPES.accept, varints(5, 6, told))).toEqual({
      type: 'accept',
      limits: { bytesPerSecond: 5, burstBytes: 6, durationMs },
    })
    expect(decodeControl(FRAME_TYPES.drain, varints(told))).toEqual({ type: 'drain', leftMs: Math.min(told, DURATION_MS_MAX) })
  })

  it('keeps nothing of the bytes that it was given', () => {
    const payload = concatBytes(publicKey, id)
    const frame = decodeControl(FRAME_TYPES.connect, payload)
    payload.fill(0)
    expect(frame).toEqual({ type: 'connect', to: publicKey, circuitId: id })
  })

  it('knows no type but those of its registry', () => {
    const known = Array.from({ length: 256 }, (_, type) => type).filter((type) => payloadBytesMax(type) !== undefined)
    expect(known).toEqual(Object.values(FRAME_TYPES))
  })
})
