/** One event of one node: `who` is the node's name, `key` whom the event is about. */
export interface Entry {
  readonly who: string
  readonly event: 'peer' | 'peer-left' | 'reconnecting' | 'reconnected' | 'stream' | 'line'
  readonly key: string
  readonly detail?: string
}

/** What happened at all nodes of a test, in the order in which it was told. */
export interface Journal {
  readonly entries: readonly Entry[]
  add(entry: Entry): void
  of(wanted: Partial<Entry>): readonly Entry[]
  /** Resolves once it holds; fails with the whole journal after the time. */
  until(holds: () => boolean, what: string): Promise<void>
}

const untilTimeoutMs = 30_000

export function createJournal(): Journal {
  const entries: Entry[] = []
  const waiting = new Set<() => void>()
  return {
    entries,
    add(entry) {
      entries.push(entry)
      for (const look of [...waiting]) look()
    },
    of(wanted) {
      const fields = Object.entries(wanted) as [keyof Entry, string][]
      return entries.filter((entry) => fields.every(([field, value]) => entry[field] === value))
    },
    until(holds, what) {
      return new Promise((resolve, reject) => {
        const end = (settle: () => void) => {
          clearTimeout(timer)
          waiting.delete(look)
          settle()
        }
        const look = () => holds() && end(resolve)
        const tooLate = () => new Error(`${what}: not within ${untilTimeoutMs / 1_000} s. The journal:\n${write(entries)}`)
        const timer = setTimeout(() => end(() => reject(tooLate())), untilTimeoutMs)
        waiting.add(look)
        look()
      })
    },
  }
}

function write(entries: readonly Entry[]): string {
  return entries.map(({ who, event, key, detail }) => `${who} ${event} ${key.slice(0, 10)} ${detail ?? ''}`).join('\n')
}
