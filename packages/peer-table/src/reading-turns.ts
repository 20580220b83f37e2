import type { Clock, Scope } from '@resilient-swarm/contract'
import { READING_TURN_MS } from './limits.ts'

/** One reading of a peer's whole table at a time, so that a node that joins by twelve links at once does not load it twelve times. */
export interface ReadingTurns {
  /** Calls back once nobody reads a whole table, or the one who does has had its time: now, where that is so. */
  whenFree(begin: () => void): void
  /** Calls back when it is our turn; it ends with `end`, or when its time is over. */
  take(begin: () => void): { end(): void }
}

interface Waiting {
  readonly begin: () => void
  readonly isTurn: boolean
}

export function createReadingTurns({ clock, scope }: { readonly clock: Clock; readonly scope: Scope }): ReadingTurns {
  let waiting: Waiting[] = []
  let current: Waiting | undefined
  let timer: { cancel(): void } | undefined

  function advance(): void {
    while (!current) {
      const next = waiting.shift()
      if (!next) return
      if (next.isTurn) {
        current = next
        timer = scope.timer(clock, READING_TURN_MS, () => overdue(next))
      }
      next.begin()
    }
  }

  function end(turn: Waiting): void {
    waiting = waiting.filter((one) => one !== turn)
    if (current !== turn) return
    timer?.cancel()
    current = undefined
    advance()
  }

  /** Who only waits for a free moment has waited long enough as well. */
  function overdue(turn: Waiting): void {
    const patient = waiting.filter(({ isTurn }) => !isTurn)
    waiting = waiting.filter(({ isTurn }) => isTurn)
    for (const { begin } of patient) begin()
    end(turn)
  }

  return {
    whenFree(begin) {
      waiting.push({ begin, isTurn: false })
      advance()
    },
    take(begin) {
      const turn = { begin, isTurn: true }
      waiting.push(turn)
      advance()
      return { end: () => end(turn) }
    },
  }
}
