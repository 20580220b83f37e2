import type { PouchModule, WritableDocument } from '../src/pouchdb.ts'

/** One revision of a document; `parent` is undefined where its ancestry was cut. */
interface Revision {
  readonly name: string
  readonly position: number
  parent: Revision | undefined
  children: number
  document?: WritableDocument
}

/**
 * PouchDB's rules for `new_edits: false`, and nothing else of it: stretches of ancestry that share a revision are joined, others stand
 * side by side; leaves conflict, the longest wins; what lies `revs_limit` behind every leaf is cut. `twin-database.test.ts` holds it
 * against the real one.
 */
class TwinDatabase {
  readonly name: string
  readonly #limit: number
  readonly #documents: Map<string, Map<string, Revision>>

  constructor(name: string, { revs_limit }: { revs_limit: number }) {
    this.name = name
    this.#limit = revs_limit
    this.#documents = lasting.get(name) ?? new Map()
    lasting.set(name, this.#documents)
  }

  setMaxListeners(): void {}

  async close(): Promise<void> {}

  async destroy(): Promise<void> {
    lasting.delete(this.name)
  }

  async bulkDocs({ docs }: { docs: readonly WritableDocument[] }): Promise<unknown[]> {
    for (const document of docs) this.#merge(document)
    return []
  }

  async get(id: string): Promise<{ ok: { _rev: string } }[]> {
    return this.leavesOf(id).map(({ name }) => ({ ok: { _rev: name } }))
  }

  async allDocs(): Promise<{ rows: { id: string; doc: object }[] }> {
    const rows = [...this.#documents.keys()].map((id) => ({ id, doc: this.winnerOf(id) as object }))
    return { rows }
  }

  /** The winning document, without its ancestry, as PouchDB gives it. */
  winnerOf(id: string): object | undefined {
    const [winner] = this.leavesOf(id)
    if (!winner?.document) return undefined
    const { _revisions: _, ...document } = winner.document
    return document
  }

  /** The winner first. */
  leavesOf(id: string): Revision[] {
    return [...(this.#documents.get(id)?.values() ?? [])]
      .filter(({ children }) => children === 0)
      .sort((one, other) => other.position - one.position || (one.name < other.name ? 1 : -1))
  }

  #merge(document: WritableDocument): void {
    const { start, ids } = document._revisions
    const tree = this.#documents.get(document._id) ?? new Map<string, Revision>()
    this.#documents.set(document._id, tree)
    if (tree.has(document._rev)) return
    let child: Revision | undefined
    for (const [at, id] of ids.entries()) {
      const name = `${start - at}-${id}`
      const known = tree.get(name)
      const revision = known ?? { name, position: start - at, parent: undefined, children: 0 }
      if (at === 0) revision.document = document
      tree.set(name, revision)
      if (child && !child.parent) {
        child.parent = revision
        revision.children++
      }
      child = revision
    }
    this.#cut(tree)
  }

  #cut(tree: Map<string, Revision>): void {
    const kept = new Set<Revision>()
    for (const leaf of tree.values()) {
      if (leaf.children > 0) continue
      let revision: Revision | undefined = leaf
      for (let depth = 0; revision && depth < this.#limit; depth++) {
        kept.add(revision)
        revision = revision.parent
      }
    }
    if (kept.size === tree.size) return
    for (const revision of [...tree.values()]) if (!kept.has(revision)) tree.delete(revision.name)
    for (const revision of kept) if (revision.parent && !kept.has(revision.parent)) revision.parent = undefined
  }
}

const lasting = new Map<string, Map<string, Map<string, Revision>>>()

export type { TwinDatabase }
/** What `#pouchdb` exports, as far as a store needs it. `idb`: a database lasts until it is destroyed. */
export const twinModule = { PouchDB: TwinDatabase, adapter: 'idb' } as unknown as PouchModule

export function openTwin(name: string, revsLimit: number): TwinDatabase {
  return new TwinDatabase(name, { revs_limit: revsLimit })
}
