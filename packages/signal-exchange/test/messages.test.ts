import { describe, expect, it } from '@jest/globals'
import { encodeBase64Url } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import fc from 'fast-check'
import { boxBytes, encodeFrame, isSignalId, parseClientFrame, parseServerFrame } from '../src/messages.ts'
import { ANNOUNCED } from './fake-server.ts'

const key = createKeyPair({ seed: new Uint8Array(32).fill(1) }).peerId
const id = '0123456789abcdef0123456789abcdef'
const text = (byteCount: number) => encodeBase64Url(new Uint8Array(byteCount).fill(0xa5))
const seed = Date.now()

const CLIENT_FRAMES = [
  { type: 'register', key, origin: 'ws://127.0.0.1:6688/', time: 1_700_000_000_000, signature: text(64) },
  { type: 'lookup', id, keys: [key, key] },
  { type: 'lookup', id, keys: [] },
  { type: 'send', to: key, id, box: text(1152) },
] as const
const SERVER_FRAMES = [
  { type: 'challenge', nonce: text(32), time: 0 },
  { type: 'registered', limits: ANNOUNCED },
  { type: 'online', id, keys: [key] },
  { type: 'sent', id },
  { type: 'failed', id, code: 'offline' },
  { type: 'signal', id, box: text(8320) },
] as const

const sides = [
  { name: 'a client', frames: CLIENT_FRAMES, parse: parseClientFrame as (text: string) => unknown, other: parseServerFrame },
  { name: 'a server', frames: SERVER_FRAMES, parse: parseServerFrame as (text: string) => unknown, other: parseClientFrame },
]

for (const { name, frames, parse, other } of sides) {
  describe(`what ${name} says`, () => {
    for (const frame of frames) {
      it(`comes through whole and is for one side only: ${frame.type}`, () => {
        expect(parse(encodeFrame(frame))).toEqual(frame)
        expect(other(encodeFrame(frame))).toBeUndefined()
      })

      it(`is refused with a field more, a field less, or a field of another type: ${frame.type}`, () => {
        for (const more of ['more', '__proto__', 'constructor', 'toString']) {
          expect(parse(`${JSON.stringify(frame).slice(0, -1)},"${more}":1}`)).toBeUndefined()
        }
        for (const field of Object.keys(frame)) {
          const { [field as 'type']: _, ...less } = frame
          expect(parse(JSON.stringify(less))).toBeUndefined()
          for (const value of [null, true, -1, 0.5, 1e300, '', 'rs1', [], [1], {}, { length: 1 }]) {
            const changed = JSON.stringify({ ...frame, [field]: value })
            if (field === 'keys' && Array.isArray(value) && value.length === 0) continue
            expect([changed, parse(changed)]).toEqual([changed, undefined])
          }
        }
      })
    }

    it('never throws and never passes anything but what it would write, however it is mutated', () => {
      const property = fc.property(
        fc.constantFrom(...frames.map((frame) => JSON.stringify(frame))),
        fc.array(fc.tuple(fc.nat(), fc.constantFrom('change', 'insert', 'remove', 'cut'), fc.string({ maxLength: 4 })), {
          minLength: 1,
          maxLength: 4,
        }),
        (whole, mutations) => {
          let mutated = whole
          for (const [at, how, piece] of mutations) {
            const position = at % (mutated.length + 1)
            const rest = { change: piece.length, insert: 0, remove: 3, cut: mutated.length }[how]
            mutated = mutated.slice(0, position) + (how === 'remove' ? '' : piece) + mutated.slice(position + rest)
          }
          const frame = parse(mutated)
          if (frame !== undefined) expect(parse(JSON.stringify(frame))).toEqual(frame)
        },
      )
      fc.assert(property, { numRuns: 2000, seed })
    })

    it('refuses every JSON value that is no frame', () => {
      fc.assert(
        fc.property(fc.jsonValue(), (value) => {
          expect(parse(JSON.stringify(value))).toBeUndefined()
        }),
        { numRuns: 1000, seed },
      )
      for (const nested of ['['.repeat(16_000), `${'{"type":'.repeat(2_000)}1${'}'.repeat(2_000)}`, '', 'null', '"register"']) {
        expect(parse(nested)).toBeUndefined()
      }
    })
  })
}

describe('limits of a frame', () => {
  it('are 16 KiB', () => {
    const spaces = (bytes: number) => {
      const frame = JSON.stringify({ type: 'sent', id })
      return frame + ' '.repeat(bytes - frame.length)
    }
    expect(parseServerFrame(spaces(16_384))).toEqual({ type: 'sent', id })
    expect(parseServerFrame(spaces(16_385))).toBeUndefined()
    expect(() => encodeFrame({ type: 'signal', id, box: 'A'.repeat(16_400) })).toThrow(RangeError)
  })

  it('are 32 keys, 256 characters of a URL, 32 bytes of nonce, 64 of signature', () => {
    const keys = (count: number) => JSON.stringify({ type: 'lookup', id, keys: Array.from({ length: count }, () => key) })
    expect(parseClientFrame(keys(32))).toBeDefined()
    expect(parseClientFrame(keys(33))).toBeUndefined()
    const origin = (length: number) =>
      JSON.stringify({ ...CLIENT_FRAMES[0], origin: `ws://a.example/${'w'.repeat(length - 15)}` })
    expect(parseClientFrame(origin(256))).toBeDefined()
    expect(parseClientFrame(origin(257))).toBeUndefined()
    for (const [byteCount, expected] of [
      [31, false],
      [32, true],
      [33, false],
    ] as const) {
      expect(parseServerFrame(JSON.stringify({ type: 'challenge', nonce: text(byteCount), time: 1 })) !== undefined).toBe(
        expected,
      )
      const signature = JSON.stringify({ ...CLIENT_FRAMES[0], signature: text(2 * byteCount) })
      expect(parseClientFrame(signature) !== undefined).toBe(expected)
    }
  })

  it('take the URL of a server in its one spelling only', () => {
    for (const origin of ['ws://a.example', 'WS://a.example/', 'ws://a.example:80/', 'http://a.example/', 'ws://a.example/é']) {
      expect(parseClientFrame(JSON.stringify({ ...CLIENT_FRAMES[0], origin }))).toBeUndefined()
    }
  })

  it('let one text stand for one box', () => {
    const send = (box: string) => parseClientFrame(JSON.stringify({ ...CLIENT_FRAMES[3], box }))
    expect(send('AA')).toBeDefined()
    for (const box of ['A', 'AB', 'AAB', 'AA==', 'AA\n', 'A+/A', 'ÄAAA', '']) expect(send(box)).toBeUndefined()
    expect([0, 2, 3, 4, 11_094].map((length) => boxBytes('A'.repeat(length)))).toEqual([0, 1, 2, 3, 8320])
  })

  it('take ids of 32 lower-case digits only', () => {
    expect(isSignalId(id)).toBe(true)
    for (const wrong of [id.slice(1), `${id}0`, id.toUpperCase(), `${id.slice(1)}\n`, 32, undefined]) {
      expect(isSignalId(wrong)).toBe(false)
    }
  })
})
