import { abortedError, type Channel, type Runtime, Scope, SwarmError, utf8 } from '@resilient-swarm/contract'
import { type KeyPair, type PublicKey, parsePublicKey } from '@resilient-swarm/identity'
import { createCipherChannel, type SecureChannel } from './cipher-channel.ts'
import { cipherError } from './cipher-error.ts'
import { createHandshake } from './handshake.ts'
import {
  BINDING_BYTES_MAX,
  HANDSHAKE_MESSAGE_BYTES_MAX,
  HANDSHAKE_TIMEOUT_MS,
  KIND_BYTES_MAX,
  NETWORK_BYTES_MAX,
} from './limits.ts'

/** The channel to secure, who we are, and what both ends know of the path. */
export interface SecureChannelOptions {
  /** Fresh: nothing was sent or heard on it. It is taken over, and ended when the handshake fails. */
  readonly channel: Channel
  readonly role: 'initiator' | 'responder'
  readonly keyPair: KeyPair
  readonly network: string
  readonly kind: string
  readonly binding: Uint8Array
  /** The only key that will do; anyone who proves a key when left out. */
  readonly expected?: PublicKey
  readonly runtime: Runtime
  readonly signal?: AbortSignal
}

/**
 * Proves keys over a path and seals what follows. Resolves for the initiator after one round trip, for the responder
 * after one and a half. Rejects with a SwarmError `ERR_HANDSHAKE_*` or `ERR_ABORTED`; the channel is aborted then.
 */
export async function secureChannel(options: SecureChannelOptions): Promise<SecureChannel> {
  requireOptions(options)
  const { channel, signal } = options
  const scope = new Scope()
  try {
    if (signal?.aborted) throw abortedError(signal)
    return await shakeHands(options, scope)
  } catch (error) {
    channel.onMessage = ignore
    channel.abort(
      error instanceof SwarmError ? error : cipherError('ERR_HANDSHAKE_FAILED', 'The handshake could not be made.', error),
    )
    throw error
  } finally {
    void scope.close()
  }
}

function shakeHands(options: SecureChannelOptions, scope: Scope): Promise<SecureChannel> {
  const { channel, runtime, signal } = options
  const handshake = createHandshake({ ...options, nowMs: runtime.clock.now(), random: runtime.random })
  return new Promise((resolve, reject) => {
    scope.timer(runtime.clock, HANDSHAKE_TIMEOUT_MS, () => {
      const message = `The peer did not prove its key within ${HANDSHAKE_TIMEOUT_MS / 1000} s; dial it again.`
      reject(cipherError('ERR_HANDSHAKE_TIMEOUT', message))
    })
    if (signal) scope.listen(signal, 'abort', () => reject(abortedError(signal)))
    void channel.closed.then(({ error }) => {
      reject(cipherError('ERR_HANDSHAKE_LOST', 'The path ended before the peer proved its key; dial it again.', error))
    })
    let over = false
    channel.onMessage = (message) => {
      if (over) return
      try {
        const { reply, proven } = handshake.receive(message)
        if (reply) channel.send(reply)
        if (!proven) return
        over = true
        // In this very turn: records may already be right behind the last handshake message.
        resolve(createCipherChannel(channel, proven))
      } catch (error) {
        over = true
        reject(error)
      }
    }
    const first = handshake.start()
    if (first) channel.send(first)
  })
}

const NAMES = new Set(['channel', 'role', 'keyPair', 'network', 'kind', 'binding', 'expected', 'runtime', 'signal'])

function requireOptions(options: SecureChannelOptions): void {
  for (const name of Object.keys(options)) if (!NAMES.has(name)) throw new TypeError(`secureChannel has no option ${name}`)
  const { channel, role, network, kind, binding, expected } = options
  if (role !== 'initiator' && role !== 'responder') throw new TypeError("role must be 'initiator' or 'responder'")
  requireAtMost('network', utf8(network), NETWORK_BYTES_MAX)
  requireAtMost('kind', utf8(kind), KIND_BYTES_MAX)
  requireAtMost('binding', binding, BINDING_BYTES_MAX)
  if (expected) parsePublicKey(expected)
  if (channel.maxMessageBytes < HANDSHAKE_MESSAGE_BYTES_MAX) {
    throw new RangeError(`channel must take messages of ${HANDSHAKE_MESSAGE_BYTES_MAX} bytes`)
  }
}

function requireAtMost(name: string, bytes: Uint8Array, byteCount: number): void {
  if (bytes.byteLength > byteCount) throw new RangeError(`${name} must have at most ${byteCount} bytes`)
}

function ignore(): void {}
