import { createNewestMap, type PeerId } from '@resilient-swarm/contract'
import { CHECKPOINTS_MAX, EAGER_LINKS_MIN } from './limits.ts'
import type { Place, Replication } from './replication.ts'
import { tableError } from './table-error.ts'

/** What a replication is told by those beside it. */
export interface Beside {
  /** Where this peer's feed was left. */
  readonly place: Place | undefined
  readonly onPlace: (place: Place) => void
  /** Whether enough other links would stay eager. */
  readonly mayTurnLazy: () => boolean
}

/** The replications that run, and how far each peer was read, which is remembered when it goes and comes back. */
export class Replications {
  readonly #running = new Map<Replication, PeerId>()
  readonly #places = createNewestMap<PeerId, Place>(CHECKPOINTS_MAX)

  begin(peer: PeerId, start: (beside: Beside) => Replication): Replication {
    const replication = start({
      place: this.#places.get(peer),
      onPlace: (place) => void this.#places.set(peer, place),
      mayTurnLazy: () => this.#eagerLinks > EAGER_LINKS_MIN,
    })
    this.#running.set(replication, peer)
    void replication.closed.then(() => this.#running.delete(replication))
    return replication
  }

  isWith(peer: PeerId): boolean {
    return [...this.#running.values()].includes(peer)
  }

  /** Of what the peers tell of their tables, the largest count of records. */
  get toldSize(): number {
    return Math.max(0, ...[...this.#running.keys()].map(({ toldCount }) => toldCount))
  }

  /** Resolves when every peer has what we last said, and all replications have ended. */
  async sayFarewell(): Promise<void> {
    const replications = [...this.#running.keys()]
    await Promise.all(replications.map((replication) => replication.whenDelivered()))
    await Promise.all(replications.map((replication) => replication.close()))
  }

  abort(): void {
    const error = tableError('ERR_TABLE_CLOSED')
    for (const replication of this.#running.keys()) replication.abort(error)
  }

  get #eagerLinks(): number {
    let count = 0
    for (const { isEager } of this.#running.keys()) if (isEager) count++
    return count
  }
}
