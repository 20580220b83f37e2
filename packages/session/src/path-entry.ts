import { type Channel, type CloseReason, equalBytes, type Runtime, type SwarmError } from '@resilient-swarm/contract'
import { CLOSE_CODES } from './close-codes.ts'
import { ProtocolViolation, sessionError } from './errors.ts'
import { encodeFrame } from './frame.ts'
import { firstHello, type Hello, judgeHello, refusePath } from './hello.ts'
import { FRAME_BYTES_MAX } from './limits.ts'
import type { AcceptPathOptions, AddPathOptions, PathFacts, SessionPath } from './options.ts'
import type { PathSet } from './path-set.ts'
import type { LivePath } from './session-path.ts'

/** What the entry asks of its session. */
export interface PathEntryPort {
  /** The next `seq` that we expect. */
  readonly received: () => number
  /** Both sides have the path now. */
  readonly onEntry: (path: LivePath, hello: Hello) => void
  /** These end the session, and give the error with which it ended. */
  readonly onViolation: (violation: ProtocolViolation) => SwarmError
  readonly onUnknown: () => SwarmError
}

export interface PathEntryOptions {
  readonly tag: Uint8Array
  readonly runtime: Runtime
  readonly paths: PathSet
  readonly port: PathEntryPort
}

/** How a path comes into a session: HELLO, HELLO, and whether they fit. */
export class PathEntry {
  peerTag: Uint8Array | undefined
  readonly #tag: Uint8Array
  readonly #runtime: Runtime
  readonly #paths: PathSet
  readonly #port: PathEntryPort
  readonly #greeting = new Set<Channel>()
  #hasStopped = false

  constructor({ tag, runtime, paths, port }: PathEntryOptions) {
    this.#tag = tag
    this.#runtime = runtime
    this.#paths = paths
    this.#port = port
  }

  /** We dialled it. */
  async add({ channel, facts, signal }: AddPathOptions): Promise<SessionPath> {
    requireLongMessages(channel)
    const slot = this.#reserve(channel)
    this.#greeting.add(channel)
    try {
      channel.send(this.#hello())
      const first = await firstHello({ channel, runtime: this.#runtime, ...(signal ? { signal } : {}) })
      if ('ended' in first) throw this.#refused(first.ended)
      return this.#join({ channel, facts, slot, hello: first.hello })
    } catch (error) {
      this.#paths.release(slot)
      throw error
    } finally {
      this.#greeting.delete(channel)
    }
  }

  /** They dialled it. */
  accept({ channel, facts, hello }: AcceptPathOptions): SessionPath {
    requireLongMessages(channel)
    if (judgeHello({ tag: this.#tag, peerTag: this.peerTag }, hello) !== 'fits') {
      throw new RangeError('hello must fit the session, see judgeHello')
    }
    const slot = this.#reserve(channel)
    this.peerTag ??= hello.tag
    const path = this.#paths.create({ channel, facts, slot })
    path.send(this.#hello())
    return this.#enter(path, hello)
  }

  /** The session has ended: nobody waits for a HELLO any more. */
  stop(error: SwarmError = endedError()): void {
    this.#hasStopped = true
    for (const channel of this.#greeting) channel.abort(error)
  }

  #hello(): Uint8Array {
    return encodeFrame({ type: 'hello', tag: this.#tag, peerTag: this.peerTag, received: this.#port.received() })
  }

  /** The peer answered on a path that we dialled. */
  #join({ channel, facts, slot, hello }: { channel: Channel; facts: PathFacts; slot: number; hello: Hello }): SessionPath {
    if (this.#hasStopped) throw endedError()
    if (!hello.peerTag || !equalBytes(hello.peerTag, this.#tag)) {
      refusePath(channel, CLOSE_CODES.helloInvalid)
      throw this.#port.onViolation(new ProtocolViolation(CLOSE_CODES.helloInvalid, 'a HELLO that answers another session'))
    }
    if (judgeHello({ tag: this.#tag, peerTag: this.peerTag }, hello) === 'restarted') {
      refusePath(channel, CLOSE_CODES.unknownSession)
      throw this.#port.onUnknown()
    }
    this.peerTag ??= hello.tag
    return this.#enter(this.#paths.create({ channel, facts, slot }), hello)
  }

  #enter(path: LivePath, hello: Hello): SessionPath {
    this.#port.onEntry(path, hello)
    if (!this.#hasStopped) return path
    path.close()
    throw endedError()
  }

  #reserve(channel: Channel): number {
    const slot = this.#hasStopped ? undefined : this.#paths.reserve()
    if (slot !== undefined) return slot
    refusePath(channel, this.#hasStopped ? CLOSE_CODES.unknownSession : CLOSE_CODES.tooManyPaths)
    if (this.#hasStopped) throw endedError()
    throw sessionError('ERR_PATH_REFUSED', 'The session has as many paths as it keeps; close one before another is added.')
  }

  /** A path that we dialled ended before the peer's HELLO. */
  #refused({ by, code, error }: CloseReason): SwarmError {
    if (this.#hasStopped) return endedError()
    if (by === 'us' || error)
      return sessionError('ERR_PATH_LOST', 'The path ended before the peer took it; dial it again.', error)
    if (code === CLOSE_CODES.unknownSession && this.peerTag) return this.#port.onUnknown()
    return sessionError('ERR_PATH_REFUSED', `The peer refused the path with code ${code}; call it again later.`)
  }
}

function requireLongMessages(channel: Channel): void {
  if (channel.maxMessageBytes < FRAME_BYTES_MAX) throw new RangeError(`channel must take messages of ${FRAME_BYTES_MAX} bytes`)
}

function endedError(): SwarmError {
  return sessionError('ERR_PATH_REFUSED', 'The session has ended; call the peer again.')
}
