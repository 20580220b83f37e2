import { DEAD_QUIET_MS, PING_IDLE_MS, RECONNECT_TIMEOUT_MS } from './limits.ts'
import type { Host, Network, Way } from './network.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { TrafficKind } from './traffic.ts'

export type LinkState = 'connected' | 'reconnecting' | 'ended'
/** `left`: the peer said goodbye. `released`: neither end needs the link. `lost`: the peer fell silent. */
export type LinkEndReason = 'closed' | 'left' | 'released' | 'lost'

/** What travels between the two ends of a link: a lane's bytes, or its end. */
export interface Frame {
  readonly lane: number
  readonly kind: TrafficKind
  readonly bytes: Uint8Array
  readonly ends?: 'finished' | 'aborted'
}

/** One node's end of a connection: what a session is in production, without its bytes being sealed or its paths being many. */
export class LinkEnd {
  readonly host: Host
  readonly rttMs: number
  onFrame: (frame: Frame) => void = () => {}
  onState: (state: LinkState, reason?: LinkEndReason) => void = () => {}
  readonly #link: Link
  readonly #way: Way
  #state: LinkState = 'connected'

  constructor(link: Link, way: Way, rttMs: number) {
    this.#link = link
    this.#way = way
    this.host = way.from
    this.rttMs = rttMs
  }

  get state(): LinkState {
    return this.#state
  }

  get peerHost(): Host {
    return this.#way.to
  }

  send(frame: Frame): void {
    if (this.#state === 'ended') return
    this.host.traffic.count(frame.kind, frame.bytes.byteLength)
    if (this.#link.isCut) return
    this.#link.network.send(this.#way, frame.bytes, () => this.#link.other(this).#receive(frame))
  }

  /** Says goodbye: the peer knows once it arrives. */
  close(told: 'left' | 'released'): void {
    if (this.#state === 'ended') return
    this.end('closed')
    if (!this.#link.isCut) this.#link.network.send(this.#way, GOODBYE, () => this.#link.other(this).end(told))
  }

  /** Nobody waits for the peer any longer. */
  giveUp(): void {
    if (this.#state === 'reconnecting') this.end('lost')
  }

  end(reason: LinkEndReason): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.onState('ended', reason)
  }

  /** From this moment nothing comes from the peer any more; that it is so shows by its silence. */
  fallSilent(verdictMs: number): void {
    const { clock } = this.#link.network
    clock.after(verdictMs, () => {
      if (this.#state !== 'connected' || !this.host.isAlive) return
      this.#state = 'reconnecting'
      this.onState('reconnecting')
      clock.after(RECONNECT_TIMEOUT_MS, () => this.host.isAlive && this.giveUp())
    })
  }

  #receive(frame: Frame): void {
    if (this.#state !== 'ended') this.onFrame(frame)
  }
}

const GOODBYE = Uint8Array.of(0)

/** A connection between two hosts. */
export class Link {
  readonly network: Network
  readonly ends: readonly [LinkEnd, LinkEnd]
  isCut = false
  readonly #random: SeededRandom

  constructor(network: Network, [one, other]: readonly [Host, Host], random: SeededRandom) {
    this.network = network
    this.#random = random
    const rttMs = network.rttMs(one, other)
    this.ends = [
      new LinkEnd(this, { from: one, to: other, arrivedByMs: 0 }, rttMs),
      new LinkEnd(this, { from: other, to: one, arrivedByMs: 0 }, rttMs),
    ]
  }

  get isStanding(): boolean {
    return !this.isCut && this.ends.every(({ host, state }) => host.isAlive && state === 'connected')
  }

  other(end: LinkEnd): LinkEnd {
    return end === this.ends[0] ? this.ends[1] : this.ends[0]
  }

  /** Nothing gets through any more, and nobody is told. */
  cut(): void {
    if (this.isCut) return
    this.isCut = true
    for (const end of this.ends) end.fallSilent(this.#verdictMs())
  }

  /**
   * How long after its death a peer is given up by the session: nothing came for `DEAD_QUIET_MS`, where the last that came was the
   * answer to our last PING or the peer's own, each sent every `PING_IDLE_MS` at a time of its own.
   */
  #verdictMs(): number {
    const sinceOurPingMs = this.#random.fraction() * PING_IDLE_MS
    const sinceTheirPingMs = this.#random.fraction() * PING_IDLE_MS
    return DEAD_QUIET_MS - Math.min(sinceOurPingMs, sinceTheirPingMs)
  }
}
