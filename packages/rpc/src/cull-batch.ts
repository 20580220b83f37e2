/**
 * Gives the peer's reply callbacks back to it some calls after they were used, so that a plain dnode, which keeps every function
 * it ever passed, can forget them. A function that comes a second time is one the peer keeps using: it is never culled.
 */
export class CullBatch {
  readonly #batchIds: number
  readonly #sharedMax: number
  readonly #write: (ids: readonly number[]) => void
  /** Arrived and not culled yet. */
  readonly #known = new Set<number>()
  readonly #shared = new Set<number>()
  #used: number[] = []
  #isOff = false

  constructor({ batchIds, sharedMax, write }: { batchIds: number; sharedMax: number; write: (ids: readonly number[]) => void }) {
    this.#batchIds = batchIds
    this.#sharedMax = sharedMax
    this.#write = write
  }

  arrived(id: number): void {
    if (this.#isOff || this.#shared.has(id)) return
    if (!this.#known.delete(id)) this.#known.add(id)
    else if (this.#shared.size < this.#sharedMax) this.#shared.add(id)
    else this.#turnOff()
  }

  answered(id: number): void {
    if (this.#isOff || this.#shared.has(id)) return
    this.#used.push(id)
    // One batch always stays back: a function that is shared shows itself by then.
    if (this.#used.length < 2 * this.#batchIds) return
    const ids = this.#used.splice(0, this.#batchIds).filter((used) => !this.#shared.has(used))
    for (const used of ids) this.#known.delete(used)
    if (ids.length > 0) this.#write(ids)
  }

  /** More functions are shared than we keep in mind: from here on none is culled. */
  #turnOff(): void {
    this.#isOff = true
    this.#known.clear()
    this.#shared.clear()
    this.#used = []
  }
}
