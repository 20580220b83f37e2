import { chooseSite, type Latency, rttBetween, type Site } from './latency.ts'
import { RETRANSMISSION_MS_MIN, RETRANSMISSION_ROUND_TRIPS } from './limits.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Trace } from './trace.ts'
import { Traffic } from './traffic.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** One machine: where it stands, what it sent, whether it lives. */
export interface Host {
  readonly index: number
  readonly site: Site
  readonly traffic: Traffic
  isAlive: boolean
  /** Hosts of different islands cannot reach each other. */
  island: number
}

/** One direction between two hosts: messages arrive in the order in which they were sent. */
export interface Way {
  readonly from: Host
  readonly to: Host
  arrivedByMs: number
}

export interface NetworkOptions {
  readonly clock: VirtualClock
  readonly latency: Latency
  readonly random: SeededRandom
  readonly trace: Trace
}

/** Carries bytes between hosts, as late as the way is long. It has no limit of bandwidth: control traffic never fills a line. */
export class Network {
  readonly hosts: Host[] = []
  readonly clock: VirtualClock
  /** Which part of the messages is lost once, and comes a retransmission later. */
  lossShare = 0
  readonly #options: NetworkOptions

  constructor(options: NetworkOptions) {
    this.#options = options
    this.clock = options.clock
  }

  addHost(): Host {
    const { latency, random } = this.#options
    const site = chooseSite(latency, random)
    const host: Host = { index: this.hosts.length, site, traffic: new Traffic(), isAlive: true, island: 0 }
    this.hosts.push(host)
    return host
  }

  rttMs(one: Host, other: Host): number {
    return rttBetween(this.#options.latency, one.site, other.site)
  }

  canReach(one: Host, other: Host): boolean {
    return one.isAlive && other.isAlive && one.island === other.island
  }

  /** Hands bytes over at the far end, unless one of the two has died, or the way was cut, in the meantime. */
  send(way: Way, bytes: Uint8Array, arrive: () => void): void {
    const { clock, random, trace } = this.#options
    const { from, to } = way
    const rttMs = this.rttMs(from, to)
    const isLost = this.lossShare > 0 && random.fraction() < this.lossShare
    const lateMs = isLost ? Math.max(RETRANSMISSION_MS_MIN, RETRANSMISSION_ROUND_TRIPS * rttMs) : 0
    way.arrivedByMs = Math.max(way.arrivedByMs, clock.nowMs + rttMs / 2 + lateMs)
    const { island } = from
    clock.after(way.arrivedByMs - clock.nowMs, () => {
      if (!to.isAlive || to.island !== island) return
      trace.add({ atMs: clock.nowMs, from: from.index, to: to.index, bytes })
      arrive()
    })
  }
}
