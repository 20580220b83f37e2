import { describe, expect, it } from '@jest/globals'
import { type SecureChannel, type SecureChannelOptions, secureChannel } from '@resilient-swarm/cipher-stream'
import { type Channel, encodeHex, SwarmError } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle } from '@resilient-swarm/testkit'
import {
  BINDING_BYTES_MAX,
  HANDSHAKE_MESSAGE_BYTES_MAX,
  HANDSHAKE_TIMEOUT_MS,
  KIND_BYTES_MAX,
  NETWORK_BYTES_MAX,
} from '../src/limits.ts'
import { ALICE, aliceOptions, BOB, bobOptions, type Changes, MALLORY } from './secure-pair.ts'

/** The code that a handshake failed with. */
async function codeOf(attempt: Promise<SecureChannel>): Promise<string> {
  const error = await attempt.then(
    () => ({ code: 'proven' }),
    (error: unknown) => error,
  )
  return (error as SwarmError).code
}

/** Both sides' codes, with what each was told instead of the truth. */
async function meet(changes: { alice?: Changes; bob?: Changes }): Promise<readonly [alice: string, bob: string]> {
  const [left, right] = createChannelPair()
  return Promise.all([
    codeOf(secureChannel(aliceOptions(left, changes.alice))),
    codeOf(secureChannel(bobOptions(right, changes.bob))),
  ])
}

describe('secureChannel', () => {
  it('gives both sides the key, the time and the hash of the other', async () => {
    const [left, right] = createChannelPair()
    const [alice, bob] = await Promise.all([
      secureChannel(aliceOptions(left, { runtime: createTestRuntime({ seed: 1, startMs: 111 }) })),
      secureChannel(bobOptions(right, { runtime: createTestRuntime({ seed: 2, startMs: 222 }) })),
    ])
    expect([alice.remotePeerId, bob.remotePeerId]).toEqual([BOB.peerId, ALICE.peerId])
    expect([alice.remoteTimeMs, bob.remoteTimeMs]).toEqual([222, 111])
    expect(encodeHex(alice.handshakeHash)).toBe(encodeHex(bob.handshakeHash))
  })

  it('fails on both sides, and leaves no path open, when the sides differ', async () => {
    const failed = ['ERR_HANDSHAKE_FAILED', 'ERR_HANDSHAKE_LOST']
    expect(await meet({ bob: { network: 'closed' } })).toEqual(failed)
    expect(await meet({ bob: { kind: 'circuit' } })).toEqual(failed)
    expect(await meet({ bob: { binding: Uint8Array.of(1, 2, 3) } })).toEqual(failed)
    expect(await meet({ alice: { expected: MALLORY.publicKey } })).toEqual(['ERR_HANDSHAKE_PEER', 'ERR_HANDSHAKE_LOST'])
    expect((await meet({ bob: { expected: MALLORY.publicKey } }))[1]).toBe('ERR_HANDSHAKE_PEER')
  })

  it('does not let mallory splice two paths by handing every byte on', async () => {
    const [left, toAlice] = createChannelPair()
    const [toBob, right] = createChannelPair()
    toAlice.onMessage = (message) => toBob.send(message)
    toBob.onMessage = (message) => toAlice.send(message)
    void toAlice.closed.then(() => toBob.close())
    const codes = await Promise.all([
      codeOf(secureChannel(aliceOptions(left, { binding: Uint8Array.of(1) }))),
      codeOf(secureChannel(bobOptions(right, { binding: Uint8Array.of(2) }))),
    ])
    expect(codes).toEqual(['ERR_HANDSHAKE_FAILED', 'ERR_HANDSHAKE_LOST'])
  })

  it('waits exactly until the deadline for a silent peer, then ends the path and every timer', async () => {
    for (const options of [aliceOptions, bobOptions]) {
      const [left, right] = createChannelPair()
      const runtime = createTestRuntime()
      const attempt = codeOf(secureChannel(options(left, { runtime })))
      await runtime.clock.advance(HANDSHAKE_TIMEOUT_MS - 1)
      expect(runtime.clock.pending).toBe(1)
      await runtime.clock.advance(1)
      expect(await attempt).toBe('ERR_HANDSHAKE_TIMEOUT')
      expect(runtime.clock.pending).toBe(0)
      expect((await left.closed).error).toMatchObject({ code: 'ERR_HANDSHAKE_TIMEOUT' })
      expect((await right.closed).error).toBeInstanceOf(SwarmError)
    }
  })

  it('counts the deadline from the beginning, not from the last message', async () => {
    const [left, right] = createChannelPair()
    const runtime = createTestRuntime()
    const attempt = codeOf(secureChannel(bobOptions(right, { runtime })))
    await runtime.clock.advance(HANDSHAKE_TIMEOUT_MS - 1)
    left.send(new Uint8Array(32).fill(9))
    await runtime.clock.advance(1)
    expect(await attempt).toBe('ERR_HANDSHAKE_TIMEOUT')
  })

  it('leaves no timer behind when it succeeds', async () => {
    const [left, right] = createChannelPair()
    const runtime = createTestRuntime()
    await Promise.all([secureChannel(aliceOptions(left, { runtime })), secureChannel(bobOptions(right))])
    await settle()
    expect(runtime.clock.pending).toBe(0)
  })

  it('ends at once when its caller cancels: before it begins, while it waits, and not any more once it stands', async () => {
    const cancelled = createChannelPair()
    expect(await codeOf(secureChannel(aliceOptions(cancelled[0], { signal: AbortSignal.abort() })))).toBe('ERR_ABORTED')
    expect((await cancelled[0].closed).error).toMatchObject({ code: 'ERR_ABORTED' })

    const waiting = createChannelPair()
    const controller = new AbortController()
    const attempt = codeOf(secureChannel(aliceOptions(waiting[0], { signal: controller.signal })))
    controller.abort(new Error('changed my mind'))
    expect(await attempt).toBe('ERR_ABORTED')
    expect((await waiting[1].closed).error).toBeInstanceOf(SwarmError)

    const [left, right] = createChannelPair()
    const late = new AbortController()
    const [alice, bob] = await Promise.all([
      secureChannel(aliceOptions(left, { signal: late.signal })),
      secureChannel(bobOptions(right)),
    ])
    late.abort()
    await settle()
    const heard = new Promise<Uint8Array>((resolve) => {
      bob.onMessage = resolve
    })
    alice.send(Uint8Array.of(1))
    expect([...(await heard)]).toEqual([1])
  })

  it('fails when the path is lost in between', async () => {
    for (const end of ['close', 'abort'] as const) {
      const [left, right] = createChannelPair()
      const attempt = codeOf(secureChannel(aliceOptions(left)))
      if (end === 'close') right.close()
      else right.abort(new SwarmError('Gone.', { code: 'ERR_GONE' }))
      expect(await attempt).toBe('ERR_HANDSHAKE_LOST')
    }
  })

  it('lets the initiator send at once: its records may be right behind the last handshake message', async () => {
    const [left, right] = createChannelPair()
    const arriving: Promise<SecureChannel> = secureChannel(bobOptions(right))
    const alice = await secureChannel(aliceOptions(left))
    alice.send(Uint8Array.of(1)) // bob has not even read message 3
    alice.send(Uint8Array.of(2))
    const bob = await arriving
    const heard: number[] = []
    bob.onMessage = ([byte]) => void heard.push(byte as number)
    await settle()
    expect(heard).toEqual([1, 2])
  })

  it('takes one round trip for the initiator, and half a one more for the responder', async () => {
    const order: string[] = []
    const [left, right] = createChannelPair({
      tamper: (message, from) => {
        order.push(`${from}: ${message.byteLength}`)
        return [message]
      },
    })
    await Promise.all([secureChannel(aliceOptions(left)), secureChannel(bobOptions(right))])
    expect(order).toEqual(['alice: 32', 'bob: 135', 'alice: 103'])
  })

  it('shows nothing to the layer above before the keys are proven', async () => {
    const [left, right] = createChannelPair()
    const attempt = codeOf(secureChannel(bobOptions(right)))
    left.send(new Uint8Array(32).fill(9)) // an ephemeral key
    left.send(new TextEncoder().encode('GET / HTTP/1.1'))
    expect(await attempt).toBe('ERR_HANDSHAKE_FAILED')
  })

  it('ends the path by a bad record when a handshake message comes twice', async () => {
    for (const twice of [1, 2]) {
      let count = 0
      const [left, right] = createChannelPair({ tamper: (message) => (count++ === twice ? [message, message] : [message]) })
      const ends = await Promise.all([secureChannel(aliceOptions(left)), secureChannel(bobOptions(right))])
      const hit = ends[twice === 1 ? 0 : 1] as SecureChannel
      expect(await hit.closed).toMatchObject({ by: 'us', code: 240, error: { code: 'ERR_BAD_RECORD' } })
    }
    let first = true
    const [left, right] = createChannelPair({
      tamper: (message) => {
        const copies = first ? [message, message] : [message]
        first = false
        return copies
      },
    })
    expect((await Promise.all([codeOf(secureChannel(aliceOptions(left))), codeOf(secureChannel(bobOptions(right)))]))[1]).toMatch(
      /^ERR_HANDSHAKE_/,
    )
  })

  it('refuses a caller who gives too much, too little or something unknown', async () => {
    const refused = async (changes: object, error: typeof TypeError | typeof RangeError) => {
      const [left] = createChannelPair()
      await expect(secureChannel({ ...aliceOptions(left), ...changes } as SecureChannelOptions)).rejects.toBeInstanceOf(error)
    }
    await refused({ role: 'both' }, TypeError)
    await refused({ psk: 'not yet' }, TypeError)
    await refused({ network: 'n'.repeat(NETWORK_BYTES_MAX + 1) }, RangeError)
    await refused({ kind: 'k'.repeat(KIND_BYTES_MAX + 1) }, RangeError)
    await refused({ binding: new Uint8Array(BINDING_BYTES_MAX + 1) }, RangeError)
    await refused({ channel: createChannelPair({ maxMessageBytes: HANDSHAKE_MESSAGE_BYTES_MAX - 1 })[0] }, RangeError)
    const longest = {
      network: 'n'.repeat(NETWORK_BYTES_MAX),
      kind: 'k'.repeat(KIND_BYTES_MAX),
      binding: new Uint8Array(BINDING_BYTES_MAX),
    }
    const pair: readonly [Channel, Channel] = createChannelPair({ maxMessageBytes: HANDSHAKE_MESSAGE_BYTES_MAX })
    const ends = await Promise.all([secureChannel(aliceOptions(pair[0], longest)), secureChannel(bobOptions(pair[1], longest))])
    expect(ends[0].maxMessageBytes).toBe(HANDSHAKE_MESSAGE_BYTES_MAX - 16)
  })
})
