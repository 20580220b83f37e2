import { BROUGHT_MAX } from './limits.ts'

/** The revisions that a peer brought last: it is not told of them as news. Beyond those it hears an echo, which costs a row. */
export interface Brought {
  add(id: string, revision: string): void
  /** Whether the peer brought every one of these. */
  hasAll(id: string, revisions: readonly string[]): boolean
}

export function createBrought(): Brought {
  const kept = new Set<string>()
  return {
    add(id, revision) {
      kept.add(keyOf(id, revision))
      if (kept.size <= BROUGHT_MAX) return
      for (const oldest of kept) {
        kept.delete(oldest)
        return
      }
    },
    hasAll: (id, revisions) => revisions.every((revision) => kept.has(keyOf(id, revision))),
  }
}

function keyOf(id: string, revision: string): string {
  return `${revision} ${id}` // a revision has no space
}
