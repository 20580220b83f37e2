import { abortedError, encodeBase64Url, type PeerId, type Runtime, Scope, SwarmError } from '@resilient-swarm/contract'
import { nameCopy } from './acknowledge.ts'
import { chooseRoute, type Route } from './choose-route.ts'
import type { Hands } from './hand-over.ts'
import {
  CARRIED_MAX,
  HOP_TRIES_MAX,
  NOT_TAKEN_RETRY_MS,
  SECOND_COPY_MS_MAX,
  SECOND_COPY_MS_MIN,
  SIGNAL_COPIES_MAX,
  SIGNAL_LAST_WAIT_MS,
  SIGNAL_ROUNDS_MS,
  SIGNAL_TTL_BLUR,
  SIGNAL_TTL_MAX,
  SIGNAL_TTL_SPARE,
} from './limits.ts'
import type { LinkGraph } from './link-graph.ts'
import { hopName, type Neighbour } from './neighbour.ts'
import type { OwnSignal } from './sealed-box.ts'

export interface CourierOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  readonly graph: LinkGraph
  readonly neighbours: () => readonly Neighbour[]
  readonly hands: Hands
}

export interface CarryOptions {
  readonly signal?: AbortSignal
  /** Rounds at the most: fewer where it matters little that this very signal arrives. */
  readonly roundsMax?: number
}

/** Sends our own signals through the swarm. */
export interface Courier {
  /**
   * Resolves once the receiver has acknowledged; until then it repeats in four rounds of up to two copies, by other routes each
   * time. Rejects with ERR_SIGNAL_UNACKNOWLEDGED 7 s later, or when `signal` says so.
   */
  carry(own: OwnSignal, options?: CarryOptions): Promise<void>
  /** What a neighbour tells by `signalled` of a copy of ours; anything else is ignored. */
  hear(from: PeerId, copy: unknown, proof: unknown): void
}

export function createCourier(options: CourierOptions): Courier {
  const deliveries = new Set<Delivery>()

  return {
    carry(own, { signal, roundsMax = SIGNAL_ROUNDS_MS.length } = {}) {
      if (signal?.aborted) return Promise.reject(abortedError(signal))
      if (deliveries.size >= CARRIED_MAX) return Promise.reject(tooManyError())
      const delivery = new Delivery(options, own, roundsMax)
      deliveries.add(delivery)
      if (signal) delivery.scope.listen(signal, 'abort', () => delivery.end(abortedError(signal)))
      return delivery.done.finally(() => deliveries.delete(delivery))
    },
    hear(from, copy, proof) {
      for (const delivery of deliveries) delivery.hear(from, copy, proof)
    },
  }
}

/** One signal until its acknowledgement. */
class Delivery {
  readonly scope = new Scope()
  readonly done: Promise<void>
  readonly #options: CourierOptions
  readonly #own: OwnSignal
  readonly #box: string
  /** Names of our copies, and which neighbours may still tell of each. */
  readonly #owing = new Map<string, Set<PeerId>>()
  /** Hops of the routes that were tried: the next goes by others. */
  readonly #used = new Set<PeerId>()
  /** First hops of this round; each has one copy at the most. */
  readonly #firsts = new Set<PeerId>()
  #round = 0
  #copies = 0
  #wasTaken = false
  #copiesUnderWay = 0
  #retryMs = NOT_TAKEN_RETRY_MS
  #settle: (error?: unknown) => void = () => {}

  constructor(options: CourierOptions, own: OwnSignal, roundsMax: number) {
    this.#options = options
    this.#own = own
    this.#box = encodeBase64Url(own.box)
    this.done = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error))
    })
    const rounds = SIGNAL_ROUNDS_MS.slice(0, roundsMax)
    for (const [round, afterMs] of rounds.entries()) {
      if (round > 0) this.#after(afterMs, () => this.#beginRound(round))
    }
    this.#after((rounds.at(-1) ?? 0) + SIGNAL_LAST_WAIT_MS, () => this.end(unacknowledgedError()))
    this.#beginRound(0)
  }

  end(error?: unknown): void {
    this.#settle(error)
    void this.scope.close()
  }

  hear(from: PeerId, copy: unknown, proof: unknown): void {
    const owing = typeof copy === 'string' ? this.#owing.get(copy) : undefined
    if (!owing?.delete(from)) return
    // A proof that is none tells no more than that this copy is lost.
    if (proof === this.#own.proof) this.end()
    else this.#sendNext()
  }

  #after(delayMs: number, act: () => void): void {
    this.scope.timer(this.#options.runtime.clock, delayMs, act)
  }

  #beginRound(round: number): void {
    this.#round = round
    this.#copies = 0
    this.#wasTaken = false
    this.#firsts.clear()
    this.#sendNext()
  }

  /** Nobody took it: a target that is just starting is known a moment later. */
  #retryUntaken(): void {
    this.#after(this.#retryMs, () => {
      if (this.#round > 0) return
      this.#retryMs *= 2
      this.#copies = 0
      this.#firsts.clear()
      this.#used.clear()
      this.#sendNext()
    })
  }

  #sendNext(): void {
    if (this.scope.isClosed || this.#copies >= SIGNAL_COPIES_MAX) return
    this.#copies++
    void this.#sendCopy(this.#round)
  }

  async #sendCopy(round: number): Promise<void> {
    this.#copiesUnderWay++
    const outcome = await this.#handToOneOf(round)
    this.#copiesUnderWay--
    if (round !== this.#round || this.scope.isClosed) return
    if (outcome === 'taken') this.#wasTaken = true
    else this.#sendNext()
    if (round === 0 && !this.#wasTaken && this.#copiesUnderWay === 0) this.#retryUntaken()
  }

  /** One copy to the first neighbour that takes it; the second copy of a round follows when this one is late or lost. */
  async #handToOneOf(round: number): Promise<'taken' | 'lost'> {
    for (let tries = 0; tries < HOP_TRIES_MAX; tries++) {
      const chosen = this.#choose()
      if (!chosen) break
      const { first, route } = chosen
      if (this.#copies === 1 && tries === 0) this.#after(secondCopyMs(route), () => this.#sendSecond(round))
      const outcome = await this.#handOver(first, route, round)
      if (outcome === 'taken' || round !== this.#round || this.scope.isClosed) return outcome
    }
    return 'lost'
  }

  #sendSecond(round: number): void {
    if (round === this.#round && this.#copies === 1) this.#sendNext()
  }

  async #handOver(first: Neighbour, route: Route | undefined, round: number): Promise<'taken' | 'lost'> {
    const { hands, runtime } = this.#options
    const { to, id, proof } = this.#own
    const hops = route?.hops ?? [first.id]
    for (const hop of hops) if (hop !== to) this.#used.add(hop)
    this.#firsts.add(first.id)
    const blur = Math.floor(runtime.random.fraction() * SIGNAL_TTL_BLUR)
    // As many hands as the route needs and some for a way round: a copy to somebody who is gone would wander through the swarm.
    const ttl = Math.min(SIGNAL_TTL_MAX - 1, route ? hops.length - 1 + SIGNAL_TTL_SPARE + blur : SIGNAL_TTL_MAX - 1 - blur)
    const signal = { to, id, box: this.#box, route: hops.slice(1, -1).map(hopName), ttl, round }
    const copy = nameCopy(signal)
    const owing = this.#owing.get(copy) ?? new Set()
    this.#owing.set(copy, owing.add(first.id))
    const outcome = await hands.handOver(first, signal)
    if (outcome.kind === 'delivered' && outcome.proof === proof) this.end()
    if (outcome.kind === 'taken') return 'taken'
    if (outcome.kind !== 'silent') owing.delete(first.id)
    return 'lost'
  }

  /** By hops that no copy used yet, or else by another first hop, or else, where no record leads there, to whoever is near. */
  #choose(): { readonly first: Neighbour; readonly route: Route | undefined } | undefined {
    const { hands } = this.#options
    const free = this.#options.neighbours().filter(({ id }) => !this.#firsts.has(id))
    const answering = free.filter(({ id }) => !hands.isSilent(id))
    for (const neighbours of [answering, free]) {
      const route = this.#routeBy(neighbours, (id) => this.#used.has(id)) ?? this.#routeBy(neighbours, () => false)
      const first = route && neighbours.find(({ id }) => id === route.hops[0])
      if (first) return { first, route }
    }
    const guess = [...answering].sort(nearestFirst)[0] ?? free[0]
    return guess && { first: guess, route: undefined }
  }

  #routeBy(neighbours: readonly Neighbour[], avoid: (id: PeerId) => boolean): Route | undefined {
    const { self, graph } = this.#options
    return chooseRoute({ self, target: this.#own.to, graph, neighbours, avoid, hopsMax: SIGNAL_TTL_MAX })
  }
}

/** When the second copy goes: at once where the first has no known route, otherwise when the first should be there and back. */
export function secondCopyMs(route: Pick<Route, 'rttMs'> | undefined): number {
  if (!route) return 0
  return Math.min(Math.max(SECOND_COPY_MS_MIN, 1.5 * route.rttMs), SECOND_COPY_MS_MAX)
}

function nearestFirst(one: Neighbour, other: Neighbour): number {
  const far = Number.MAX_SAFE_INTEGER
  return (one.rttMs ?? far) - (other.rttMs ?? far)
}

function unacknowledgedError(): SwarmError<'ERR_SIGNAL_UNACKNOWLEDGED'> {
  return new SwarmError(
    'No copy of the signal was acknowledged: its receiver is gone, or no way through the swarm leads there.',
    {
      code: 'ERR_SIGNAL_UNACKNOWLEDGED',
      retryable: true,
    },
  )
}

function tooManyError(): SwarmError<'ERR_SIGNAL_RATE'> {
  return new SwarmError('Too many signals of our own are under way; they end within seconds.', {
    code: 'ERR_SIGNAL_RATE',
    retryable: true,
  })
}
