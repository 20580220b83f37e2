import { type Channel, type CloseReason, FINISHED, type Runtime, type SwarmError } from '@resilient-swarm/contract'
import { CLOSE_CODES } from './close-codes.ts'
import { encodeFrame } from './frame.ts'
import { HeldHello, type Hello } from './hello.ts'
import { FIRST_PINGS, FIRST_PINGS_MS, PONGS_WAITING_MAX } from './limits.ts'
import type { PathFacts, SessionPath } from './options.ts'
import { PathState } from './path-state.ts'

/** What a path tells its session. */
export interface PathEars {
  readonly onMessage: (path: LivePath, message: Uint8Array) => void
  readonly onDrain: (path: LivePath) => void
  readonly onRetire: (path: LivePath) => void
  readonly onEnd: (path: LivePath, reason: CloseReason) => void
}

export interface LivePathOptions {
  readonly channel: Channel
  readonly facts: PathFacts
  readonly slot: number
  readonly runtime: Runtime
  readonly ears: PathEars
}

const DRAIN = encodeFrame({ type: 'drain' })

/** One accepted path: its channel, its state, and whether it has room. */
export class LivePath implements SessionPath {
  readonly facts: PathFacts
  readonly slot: number
  readonly bit: number
  readonly state: PathState
  readonly closed: Promise<CloseReason>
  /** The channel takes more; false until its `onDrain`. */
  hasRoom = true
  /** Either side has asked that nothing more goes by it. */
  isDraining = false
  /** We asked, and close it when nothing of ours is under way on it. */
  isRetired = false
  /** The first is due at once. */
  nextPingMs = Number.NEGATIVE_INFINITY
  lastPingMs = Number.NEGATIVE_INFINITY
  #firstPingsLeft = FIRST_PINGS
  #hasEnded = false
  #pongs: number[] = []
  readonly #channel: Channel
  readonly #runtime: Runtime
  readonly #ears: PathEars

  constructor({ channel, facts, slot, runtime, ears }: LivePathOptions) {
    this.facts = facts
    this.slot = slot
    this.bit = 1 << slot
    this.#channel = channel
    this.#runtime = runtime
    this.#ears = ears
    this.state = new PathState(runtime.clock.monotonic())
    this.closed = channel.closed
  }

  /** The first answers wait for all the other work of a beginning, which a median forgets and a smoothed value does not. */
  get rttMs(): number | undefined {
    const { roundTrips } = this.state
    return roundTrips.recent(this.#runtime.clock.monotonic()).medianMs ?? roundTrips.smoothedMs
  }

  get isSuspected(): boolean {
    return this.state.isSuspected
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** For people. */
  get name(): string {
    return this.facts.via === undefined ? `path ${this.facts.kind}` : `${this.facts.kind} through ${this.facts.via}`
  }

  /** Begins to listen: first to what has come behind the HELLO. */
  listen(hello: Hello): void {
    this.#channel.onDrain = () => this.#drained()
    void this.#channel.closed.then((reason) => this.#end(reason))
    const receive = (message: Uint8Array) => {
      if (!this.#hasEnded) this.#ears.onMessage(this, message)
    }
    if (hello instanceof HeldHello) hello.held.receive = receive
    this.#channel.onMessage = receive
  }

  send(frame: Uint8Array): void {
    if (!this.#channel.send(frame)) this.hasRoom = false
  }

  ping(nowMs: number): void {
    this.lastPingMs = nowMs
    if (this.#firstPingsLeft > 0) this.#firstPingsLeft--
    const id = randomId(this.#runtime)
    if (this.state.pinged(id, nowMs)) this.send(encodeFrame({ type: 'ping', id }))
  }

  /** Answers now, or when there is room; of more than an honest peer has asked the oldest are forgotten. */
  pong(id: number): void {
    if (this.hasRoom) this.send(encodeFrame({ type: 'pong', id }))
    else if (this.#pongs.push(id) > PONGS_WAITING_MAX) this.#pongs.shift()
  }

  /** `intervalMs` from the last PING; the first few follow each other closely. */
  schedulePing(intervalMs: number): void {
    this.nextPingMs = this.lastPingMs + (this.#firstPingsLeft > 0 ? Math.min(FIRST_PINGS_MS, intervalMs) : intervalMs)
  }

  retire(): void {
    if (this.#hasEnded || this.isRetired) return
    this.isRetired = true
    this.isDraining = true
    this.send(DRAIN)
    this.#ears.onRetire(this)
  }

  close(): void {
    this.end(FINISHED)
  }

  /** Ends it for the session at once; what was given to the channel is flushed. */
  end(reason: CloseReason): void {
    if (this.#hasEnded) return
    this.#channel.close({ by: 'us', code: reason.code })
    this.#end(reason)
  }

  /** It is dead: nothing is flushed, nothing waited for. */
  abort(error: SwarmError): void {
    if (this.#hasEnded) return
    this.#channel.abort(error)
    this.#end({ by: 'us', code: CLOSE_CODES.silent, error })
  }

  #drained(): void {
    if (this.#hasEnded) return
    this.hasRoom = true
    while (this.hasRoom && this.#pongs.length > 0) this.pong(this.#pongs.shift() as number)
    this.#ears.onDrain(this)
  }

  #end(reason: CloseReason): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#pongs = []
    this.#ears.onEnd(this, reason)
  }
}

/** Nobody can answer a PING that they have not seen. */
function randomId({ random }: Runtime): number {
  return random.bytes(6).reduce((id, byte) => id * 256 + byte, 0)
}
