import {
  abortedError,
  type Channel,
  type CloseReason,
  equalBytes,
  MessageSlot,
  type Runtime,
  Scope,
} from '@resilient-swarm/contract'
import { CLOSE_CODES } from './close-codes.ts'
import { ProtocolViolation, protocolError, sessionError } from './errors.ts'
import { decodeFrame } from './frame.ts'
import { FRAME_BYTES_MAX, HELLO_HELD_BYTES_MAX, HELLO_TIMEOUT_MS } from './limits.ts'

/** How a path begins: whose session its sender means, and how far it has received. */
export interface Hello {
  readonly tag: Uint8Array
  /** Undefined: the sender does not know the other side's session yet. */
  readonly peerTag: Uint8Array | undefined
  /** The number of the next DATA that it expects. */
  readonly received: number
}

export interface ReadHelloOptions {
  readonly channel: Channel
  readonly runtime: Runtime
  readonly signal?: AbortSignal
}

export type HelloVerdict = 'fits' | 'restarted' | 'stale'

/**
 * Whether a path with this HELLO belongs to the session with these tags. `restarted`: the peer has a new session, ours must end and
 * another takes the path. `stale`: the peer means a session of ours that is not this one; refuse it with `unknownSession`.
 */
export function judgeHello(
  session: { readonly tag: Uint8Array; readonly peerTag: Uint8Array | undefined },
  hello: Pick<Hello, 'tag' | 'peerTag'>,
): HelloVerdict {
  if (hello.peerTag && !equalBytes(hello.peerTag, session.tag)) return 'stale'
  return session.peerTag && !equalBytes(hello.tag, session.peerTag) ? 'restarted' : 'fits'
}

/**
 * For who was dialled: the first frame of a path, within 10 s. Rejects, and the channel has ended, with ERR_HELLO_TIMEOUT, ERR_PATH_LOST,
 * ERR_SESSION_PROTOCOL or ERR_ABORTED. What follows the HELLO waits for `acceptPath`.
 */
export async function readHello(options: ReadHelloOptions): Promise<Hello> {
  const first = await firstHello(options)
  if ('hello' in first) return first.hello
  throw sessionError('ERR_PATH_LOST', 'The path ended before the peer said which session it is for.', first.ended.error)
}

/** Closes a path that no session takes, with a number of `CLOSE_CODES`. */
export function refusePath(channel: Channel, code: number): void {
  channel.onMessage = () => {}
  channel.close({ by: 'us', code })
}

/** A HELLO, and what has come behind it. */
export class HeldHello implements Hello {
  readonly tag: Uint8Array
  readonly peerTag: Uint8Array | undefined
  readonly received: number
  readonly held = new MessageSlot({ waitingBytesMax: HELLO_HELD_BYTES_MAX })

  constructor({ tag, peerTag, received }: Hello) {
    this.tag = tag
    this.peerTag = peerTag
    this.received = received
  }
}

/** The first frame of a path, or how the path ended before it. Any other failure rejects, and ends the path. */
export async function firstHello(
  options: ReadHelloOptions,
): Promise<{ readonly hello: HeldHello } | { readonly ended: CloseReason }> {
  const scope = new Scope()
  try {
    return await awaitHello(options, scope)
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error
    refusePath(options.channel, error.closeCode)
    throw protocolError(error)
  } finally {
    void scope.close()
  }
}

function awaitHello(
  { channel, runtime, signal }: ReadHelloOptions,
  scope: Scope,
): Promise<{ readonly hello: HeldHello } | { readonly ended: CloseReason }> {
  return new Promise((resolve, reject) => {
    scope.timer(runtime.clock, HELLO_TIMEOUT_MS, () => {
      const message = `The peer did not take the path within ${HELLO_TIMEOUT_MS / 1000} s; dial it again.`
      refusePath(channel, CLOSE_CODES.helloTimeout)
      reject(sessionError('ERR_HELLO_TIMEOUT', message))
    })
    const cancel = (cause: AbortSignal) => {
      const error = abortedError(cause)
      channel.abort(error)
      reject(error)
    }
    if (signal?.aborted) cancel(signal)
    if (signal) scope.listen(signal, 'abort', () => cancel(signal))
    void channel.closed.then((ended) => resolve({ ended }))
    let first: HeldHello | undefined
    channel.onMessage = (message) => {
      try {
        if (first) hold(channel, first, message)
        else {
          first = new HeldHello(parseHello(message))
          resolve({ hello: first })
        }
      } catch (error) {
        reject(error)
      }
    }
  })
}

function parseHello(message: Uint8Array): Hello {
  const frame = decodeFrame(message)
  if (frame.type === 'hello') return frame
  throw new ProtocolViolation(CLOSE_CODES.helloInvalid, `a path that begins with ${frame.type.toUpperCase()} instead of HELLO`)
}

function hold(channel: Channel, { held }: HeldHello, message: Uint8Array): void {
  if (message.byteLength <= FRAME_BYTES_MAX && held.push(message)) return
  refusePath(channel, CLOSE_CODES.unheard)
}
