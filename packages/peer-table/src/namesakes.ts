import type { PeerId } from '@resilient-swarm/contract'
import type { ShortName } from './short-name.ts'

/** Who has which short name. A name that several have means none of them: they are told in full. */
export class Namesakes {
  readonly #ids = new Map<ShortName, PeerId>()
  readonly #shared = new Map<ShortName, Set<PeerId>>()

  get(name: ShortName): PeerId | undefined {
    return this.#shared.size > 0 && this.#shared.has(name) ? undefined : this.#ids.get(name)
  }

  isShared(name: ShortName): boolean {
    return this.#shared.size > 0 && this.#shared.has(name)
  }

  add(name: ShortName, id: PeerId): void {
    const other = this.#ids.get(name)
    if (other === undefined) this.#ids.set(name, id)
    else this.#shared.set(name, (this.#shared.get(name) ?? new Set([other])).add(id))
  }

  remove(name: ShortName, id: PeerId): void {
    const sharers = this.#shared.get(name)
    if (!sharers) {
      this.#ids.delete(name)
      return
    }
    sharers.delete(id)
    const [last] = sharers
    if (sharers.size > 1 || last === undefined) return
    this.#shared.delete(name)
    this.#ids.set(name, last)
  }
}
