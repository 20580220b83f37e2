/** Remembers the newest `max` names and forgets the oldest first. */
export interface SeenBoxes {
  /** True the first time; false for a name that is still remembered. */
  isNew(name: string): boolean
  readonly size: number
}

export function createSeenBoxes({ max }: { max: number }): SeenBoxes {
  const names = new Set<string>()
  return {
    isNew(name) {
      if (names.has(name)) return false
      names.add(name)
      const oldest = names.values().next()
      if (names.size > max && !oldest.done) names.delete(oldest.value)
      return true
    },
    get size() {
      return names.size
    },
  }
}
