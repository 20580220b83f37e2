import { type Channel, equalBytes, type Runtime } from '@resilient-swarm/contract'
import { CLOSE_CODES } from './close-codes.ts'

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
 * another takes the path. `stale`: the peer means a session of ours that is not this one, refuse it with `unknownSession`.
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
export function readHello(options: ReadHelloOptions): Promise<Hello> {
  return Promise.reject(new TypeError(String(options)))
}

/** Closes a path that no session takes. */
export function refusePath(channel: Channel, code: number = CLOSE_CODES.unknownSession): void {
  channel.close({ by: 'us', code })
}
