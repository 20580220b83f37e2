import { describe, expect, it } from '@jest/globals'
import { createKeyPair } from '@resilient-swarm/identity'
import { normalizeOrigin, parseOrigin } from '../src/origin.ts'
import { loginPayload, signLogin, verifyLogin } from '../src/prove-key.ts'

const alice = createKeyPair({ seed: new Uint8Array(32).fill(1) })
const mallory = createKeyPair({ seed: new Uint8Array(32).fill(3) })
const claim = { origin: 'ws://127.0.0.1:6688/', nonce: new Uint8Array(32).fill(7), timeMs: 1_700_000_000_000 }

describe('a login', () => {
  it('proves its key for its server, its nonce and its time, and nothing else', () => {
    const signature = signLogin(alice, claim)
    const verify = (changed: Partial<typeof claim>, publicKey = alice.publicKey) =>
      verifyLogin({ publicKey, claim: { ...claim, ...changed }, signature })
    expect(verify({})).toBe(true)
    expect(verify({ origin: 'ws://127.0.0.1:6689/' })).toBe(false)
    expect(verify({ nonce: new Uint8Array(32).fill(8) })).toBe(false)
    expect(verify({ timeMs: claim.timeMs + 1 })).toBe(false)
    expect(verify({}, mallory.publicKey)).toBe(false)
    expect(verifyLogin({ publicKey: alice.publicKey, claim, signature: signLogin(mallory, claim) })).toBe(false)
  })

  it('is no signature for another purpose', () => {
    const signature = alice.sign('rs/1/record', loginPayload(claim, alice.publicKey))
    expect(verifyLogin({ publicKey: alice.publicKey, claim, signature })).toBe(false)
  })
})

describe('the URL of a server', () => {
  it('has one spelling', () => {
    for (const [typed, origin] of [
      ['ws://127.0.0.1:6688', 'ws://127.0.0.1:6688/'],
      ['WS://Example.ORG:80', 'ws://example.org/'],
      ['wss://example.org:443/signals?x=1', 'wss://example.org/signals?x=1'],
      ['ws://[0:0::1]:6688', 'ws://[::1]:6688/'],
      ['wss://bücher.example', 'wss://xn--bcher-kva.example/'],
    ]) {
      expect(normalizeOrigin(typed as string)).toBe(origin)
      expect(parseOrigin(origin)).toBe(origin)
    }
  })

  it('is a WebSocket URL without a user, a password or a fragment', () => {
    const wrong = ['http://a.example', 'a.example', 'ws://', 'ws://u@a.example', 'ws://:p@a.example', 'ws://a.example/#x', '']
    for (const url of [...wrong, `ws://a.example/${'x'.repeat(256)}`, 7, undefined]) {
      expect(parseOrigin(url)).toBeUndefined()
      expect(() => normalizeOrigin(url as string)).toThrow(TypeError)
    }
  })
})
