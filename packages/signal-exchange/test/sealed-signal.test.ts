import { describe, expect, it } from '@jest/globals'
import { type AttemptSignal, createRuntime, encodeHex, type IceCandidate, utf8 } from '@resilient-swarm/contract'
import { createKeyPair, sealBox } from '@resilient-swarm/identity'
import fc from 'fast-check'
import { openSignal, type SealedSignal, sealSignal } from '../src/index.ts'
import { CANDIDATE_CHARS_MAX, CANDIDATES_MAX, SDP_CHARS_MAX, SIGNAL_LIFETIME_MS_MAX } from '../src/limits.ts'
import { signalPrologue } from '../src/sealed-signal.ts'
import { decodeContent, encodeContent, parseContent } from '../src/signal-content.ts'

const alice = createKeyPair({ seed: new Uint8Array(32).fill(1) })
const bob = createKeyPair({ seed: new Uint8Array(32).fill(2) })
const carol = createKeyPair({ seed: new Uint8Array(32).fill(3) })
const nowMs = 1_700_000_000_000
const id = '11'.repeat(16)
const candidate: IceCandidate = { candidate: 'candidate:1 1 UDP 1 192.0.2.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 }
const seed = Date.now()

const contentOf = (signal: AttemptSignal, changed: Partial<SealedSignal> = {}): SealedSignal => ({
  attempt: '22'.repeat(16),
  expiresMs: nowMs + 30_000,
  signal,
  ...changed,
})
const OFFER = contentOf({ kind: 'offer', sdp: 'v=0\r\n', candidates: [candidate] })

const seal = (content: SealedSignal, changed: Partial<Parameters<typeof sealSignal>[0]> = {}) =>
  sealSignal({ keyPair: alice, to: bob.publicKey, network: 'test', id, content, ...changed })
const open = (box: Uint8Array, changed: Partial<Parameters<typeof openSignal>[0]> = {}) =>
  openSignal({ keyPair: bob, network: 'test', id, box, nowMs, ...changed })
const codeOf = (act: () => unknown): unknown => {
  try {
    act()
    return 'it went well'
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name
  }
}

describe('a sealed signal', () => {
  it('opens for its receiver, who learns the sender and the content, of each kind', () => {
    const signals: AttemptSignal[] = [
      { kind: 'offer', sdp: 'v=0\r\n', candidates: [] },
      { kind: 'answer', sdp: 'v=0\r\n', candidates: [candidate, { candidate: '', sdpMid: null, sdpMLineIndex: null }] },
      { kind: 'candidates', candidates: [candidate] },
      { kind: 'refuse', code: 0xffff },
    ]
    for (const signal of signals) {
      const content = contentOf(signal)
      expect(open(seal(content))).toEqual({ from: alice.peerId, publicKey: alice.publicKey, content })
    }
  })

  it('has one of four sizes', () => {
    const sizes = [0, 400, 900, 1000, 3500, 3700, 6000].map((length) => {
      const signal: AttemptSignal = { kind: 'offer', sdp: 'x'.repeat(1 + length), candidates: [] }
      return seal(contentOf(signal)).byteLength
    })
    expect(sizes).toEqual([1152, 1152, 1152, 2176, 4224, 4224, 8320])
  })

  it('does not open for another receiver, network or id, nor when a byte of it is changed', () => {
    const box = seal(OFFER)
    expect(codeOf(() => open(box, { keyPair: carol }))).toBe('ERR_SIGNAL_SEAL')
    expect(codeOf(() => open(box, { network: 'other' }))).toBe('ERR_SIGNAL_SEAL')
    expect(codeOf(() => open(box, { id: '12'.repeat(16) }))).toBe('ERR_SIGNAL_SEAL')
    expect(codeOf(() => open(box, { id: 'no id' }))).toBe('ERR_SIGNAL_SEAL')
    for (let index = 0; index < box.byteLength; index += 61) {
      const changed = box.slice()
      changed[index] = (changed[index] as number) ^ 1
      expect(codeOf(() => open(changed))).toBe('ERR_SIGNAL_SEAL')
    }
    for (const length of [0, 1, 127, 1151, 1153, 8321]) expect(codeOf(() => open(new Uint8Array(length)))).toBe('ERR_SIGNAL_SEAL')
  })

  it('counts until it expires, and not if that is too far ahead', () => {
    const until = (expiresMs: number) => codeOf(() => open(seal({ ...OFFER, expiresMs })))
    expect(until(nowMs)).toBe('ERR_SIGNAL_EXPIRED')
    expect(until(nowMs + 1)).toBe('it went well')
    expect(until(nowMs + SIGNAL_LIFETIME_MS_MAX)).toBe('it went well')
    expect(until(nowMs + SIGNAL_LIFETIME_MS_MAX + 1)).toBe('ERR_SIGNAL_EXPIRED')
    expect(codeOf(() => seal(OFFER, { now: nowMs }))).toBe('it went well')
    expect(codeOf(() => seal(OFFER, { now: OFFER.expiresMs }))).toBe('RangeError')
    expect(codeOf(() => seal(OFFER, { now: OFFER.expiresMs - SIGNAL_LIFETIME_MS_MAX - 1 }))).toBe('RangeError')
  })

  it('is refused at its sender when its receiver would refuse it', () => {
    const many = (count: number) => Array.from({ length: count }, () => ({ ...candidate, candidate: '' }))
    const sealed = (signal: unknown) => codeOf(() => seal(contentOf(signal as AttemptSignal)))
    expect(sealed({ kind: 'candidates', candidates: many(CANDIDATES_MAX) })).toBe('it went well')
    expect(sealed({ kind: 'candidates', candidates: many(CANDIDATES_MAX + 1) })).toBe('TypeError')
    expect(sealed({ kind: 'offer', sdp: 'x'.repeat(SDP_CHARS_MAX), candidates: [] })).toBe('it went well')
    expect(sealed({ kind: 'offer', sdp: 'x'.repeat(SDP_CHARS_MAX + 1), candidates: [] })).toBe('TypeError')
    expect(sealed({ kind: 'offer', sdp: '', candidates: [] })).toBe('TypeError')
    const long = (length: number) => ({ ...candidate, candidate: 'x'.repeat(length) })
    expect(sealed({ kind: 'candidates', candidates: [long(CANDIDATE_CHARS_MAX)] })).toBe('it went well')
    expect(sealed({ kind: 'candidates', candidates: [long(CANDIDATE_CHARS_MAX + 1)] })).toBe('TypeError')
    expect(sealed({ kind: 'refuse', code: 65_536 })).toBe('TypeError')
    expect(sealed({ kind: 'candidates', candidates: Array.from({ length: 20 }, () => long(512)) })).toBe('ERR_SIGNAL_TOO_LARGE')
    expect(codeOf(() => seal({ ...OFFER, attempt: 'short' }))).toBe('TypeError')
    expect(codeOf(() => seal({ ...OFFER, expiresMs: Number.NaN }))).toBe('TypeError')
    expect(codeOf(() => seal(OFFER, { id: 'short' }))).toBe('TypeError')
    expect(codeOf(() => seal(OFFER, { network: '' }))).toBe('RangeError')
  })

  it('does not carry what the caller’s objects have besides', () => {
    const browsers = { ...candidate, usernameFragment: 'abcd', toJSON: () => candidate }
    const box = seal(contentOf({ kind: 'candidates', candidates: [browsers] }))
    expect(open(box).content.signal).toEqual({ kind: 'candidates', candidates: [candidate] })
  })

  it('is refused when it is sealed well but holds something else', () => {
    const prologue = signalPrologue({ network: 'test', to: bob.publicKey, id })
    const sealed = (payload: Uint8Array) => codeOf(() => open(sealBox({ from: alice, to: bob.publicKey, prologue, payload })))
    const good = encodeContent(OFFER) as Uint8Array
    expect(sealed(good)).toBe('it went well')
    const trailing = good.slice()
    trailing[1023] = 1
    const tooLarge = new Uint8Array(2048)
    tooLarge.set(good)
    const notUtf8 = good.slice()
    notUtf8[3] = 0xff
    for (const payload of [new Uint8Array(1024), trailing, tooLarge, notUtf8, new Uint8Array(1024).fill(0xff)]) {
      expect(sealed(payload)).toBe('ERR_SIGNAL_CONTENT')
    }
  })
})

describe('reading a content', () => {
  const json = { attempt: '22'.repeat(16), expires: 5, kind: 'offer', sdp: 'x', candidates: [candidate] }

  it('takes exactly the fields of its kind', () => {
    expect(parseContent(json)).toBeDefined()
    for (const wrong of [
      null,
      [],
      'offer',
      {},
      { ...json, more: 1 },
      { ...json, from: alice.peerId },
      { ...json, kind: 'renegotiate' },
      { ...json, kind: 'toString' },
      { ...json, kind: 'candidates' },
      { ...json, kind: 'refuse' },
      { ...json, expires: -1 },
      { ...json, expires: 2 ** 53 },
      { ...json, expires: '5' },
      { ...json, sdp: 7 },
      { ...json, candidates: {} },
      { ...json, candidates: [{ ...candidate, usernameFragment: 'x' }] },
      { ...json, candidates: [{ ...candidate, sdpMid: 'x'.repeat(65) }] },
      { ...json, candidates: [{ ...candidate, sdpMLineIndex: 16 }] },
      { ...json, candidates: [{ ...candidate, sdpMLineIndex: '0' }] },
      { ...json, candidates: [{ candidate: 'x', sdpMid: null }] },
      JSON.parse(`{"__proto__":{"sdp":"x"},"attempt":"${json.attempt}","expires":5,"kind":"offer","candidates":[]}`),
    ]) {
      expect(parseContent(wrong)).toBeUndefined()
    }
  })

  it('gives back what was written, and one spelling only', () => {
    const candidates = fc.array(
      fc.record({
        candidate: fc.string({ maxLength: 100 }),
        sdpMid: fc.option(fc.string({ maxLength: 20 })),
        sdpMLineIndex: fc.option(fc.nat(15)),
      }),
      { maxLength: 8 },
    )
    const sdp = fc.string({ minLength: 1, maxLength: 1500, unit: 'binary' })
    const signals: fc.Arbitrary<AttemptSignal> = fc.oneof(
      fc.record({ kind: fc.constantFrom('offer' as const, 'answer' as const), sdp, candidates }),
      fc.record({ kind: fc.constant('candidates' as const), candidates }),
      fc.record({ kind: fc.constant('refuse' as const), code: fc.nat(0xffff) }),
    )
    const property = fc.property(signals, fc.nat(), fc.nat(), fc.nat(255), (signal, expiresMs, at, byte) => {
      const content = contentOf(signal, { expiresMs })
      const bytes = encodeContent(content) as Uint8Array
      expect(decodeContent(bytes)).toEqual(content)
      const changed = bytes.slice()
      changed[at % changed.byteLength] = byte
      const read = decodeContent(changed)
      if (read) expect(decodeContent(encodeContent(read) as Uint8Array)).toEqual(read)
    })
    fc.assert(property, { numRuns: 1000, seed })
  })

  it('never throws on any bytes, and takes no long time', () => {
    const beganMs = createRuntime().clock.monotonic()
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom(1024, 2048, 4096, 8192).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    )
    fc.assert(
      fc.property(bytes, (input) => {
        expect(decodeContent(input)).toBeUndefined()
      }),
      { numRuns: 1000, seed },
    )
    const nested = new Uint8Array(8192)
    nested.set(utf8('['.repeat(8190)), 2)
    new DataView(nested.buffer).setUint16(0, 8190)
    expect(decodeContent(nested)).toBeUndefined()
    expect(createRuntime().clock.monotonic() - beganMs).toBeLessThan(15_000)
  })

  it('refuses every mutation of a box, ten thousand of them, with a typed error', () => {
    const box = seal(OFFER)
    const outcomes = new Set<unknown>()
    fc.assert(
      fc.property(fc.nat(box.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = box.slice()
        changed[at] = (changed[at] as number) ^ flip
        outcomes.add(codeOf(() => open(changed)))
      }),
      { numRuns: 10_000, seed },
    )
    expect([...outcomes]).toEqual(['ERR_SIGNAL_SEAL'])
    expect(encodeHex(box.slice(0, 2))).toHaveLength(4)
  })
})
