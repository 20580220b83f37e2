import type { Clock } from '@resilient-swarm/contract'
import { Deadlines, type Expiring } from './deadlines.ts'

/** A function of ours that the peer may call once. */
export interface LocalCallback extends Expiring {
  fire(values: unknown[]): void
  /** The peer will never call it. */
  drop(): void
  /** The session has ended. */
  end(): void
}

/**
 * The callbacks that the peer may still call. Each leaves the table before it fires. Ids only grow, so an answer that comes
 * late or twice names nobody else's call.
 */
export class LocalCallbacks {
  readonly #live = new Map<number, LocalCallback>()
  readonly #deadlines: Deadlines
  readonly #callbacksMax: number
  #nextId: number

  /** Ids below `firstId` are the methods'. */
  constructor({ firstId, callbacksMax, clock }: { firstId: number; callbacksMax: number; clock: Clock }) {
    this.#nextId = firstId
    this.#callbacksMax = callbacksMax
    this.#deadlines = new Deadlines({ clock, live: () => this.#live.values() })
  }

  get size(): number {
    return this.#live.size
  }

  hasRoomFor(count: number): boolean {
    return this.#live.size + count <= this.#callbacksMax
  }

  add(callback: LocalCallback): number {
    const id = this.#nextId++
    this.#live.set(id, callback)
    this.#deadlines.watch(callback.deadlineMs)
    return id
  }

  /** Takes it out of the table; undefined when it was used, timed out, or never existed. */
  take(id: number): LocalCallback | undefined {
    const callback = this.#live.get(id)
    if (callback) this.#live.delete(id)
    return callback
  }

  /** Whether this id was ever given out. */
  wasIssued(id: number): boolean {
    return id < this.#nextId
  }

  end(): void {
    this.#deadlines.cancel()
    const ended = [...this.#live.values()]
    this.#live.clear()
    for (const callback of ended) callback.end()
  }
}
