import type { Substream } from '@resilient-swarm/contract'
import { CLOSE_CODES, ProtocolViolation } from './errors.ts'
import type { SubstreamCore } from './substream.ts'

/** The substreams that are open, by who opened them and id; either side numbers its own from 0, upwards. */
export class SubstreamTable {
  readonly #ours = new Map<number, SubstreamCore>()
  readonly #theirs = new Map<number, SubstreamCore>()
  readonly #faces = new Map<SubstreamCore, Substream>()
  #nextOurId = 0
  #newestTheirId = -1

  get oursCount(): number {
    return this.#ours.size
  }

  get theirsCount(): number {
    return this.#theirs.size
  }

  get cores(): readonly SubstreamCore[] {
    return [...this.#faces.keys()]
  }

  get substreams(): readonly Substream[] {
    return [...this.#faces.values()]
  }

  get nextOurId(): number {
    return this.#nextOurId
  }

  takeOurId(): number {
    return this.#nextOurId++
  }

  /** With credit a peer's ids only grow, as channels keep order; other mplex implementations may open out of turn. */
  takeTheirId(id: number, { growing }: { growing: boolean }): void {
    if (this.#theirs.has(id) || (growing && id <= this.#newestTheirId)) {
      throw new ProtocolViolation(CLOSE_CODES.substreamIdReused, 'a substream id was used twice')
    }
    this.#newestTheirId = Math.max(this.#newestTheirId, id)
  }

  add(core: SubstreamCore, face: Substream): void {
    this.#side(core.openedBy).set(core.id, core)
    this.#faces.set(core, face)
  }

  delete(core: SubstreamCore): void {
    this.#side(core.openedBy).delete(core.id)
    this.#faces.delete(core)
  }

  /** Undefined for one that has ended; a ProtocolViolation for one that never was. */
  find(id: number, openedBy: 'us' | 'peer'): SubstreamCore | undefined {
    const core = this.#side(openedBy).get(id)
    if (!core && id > (openedBy === 'us' ? this.#nextOurId - 1 : this.#newestTheirId)) {
      throw new ProtocolViolation(CLOSE_CODES.substreamUnknown, 'a frame for a substream that nobody opened')
    }
    return core
  }

  #side(openedBy: 'us' | 'peer'): Map<number, SubstreamCore> {
    return openedBy === 'us' ? this.#ours : this.#theirs
  }
}
