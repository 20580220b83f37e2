import type { Timer } from '@resilient-swarm/contract'

interface Happening extends Timer {
  fire: (() => void) | undefined
}

/** One turn of the simulation is one millisecond: finer than any network's noise, coarse enough to gather what falls together. */
const TURN_MS = 1
/** Rounds of timers without delay in one turn; more is a loop that never lets time go on. */
const ROUNDS_MAX = 100_000

/**
 * Time that moves only when everything of its moment is done. What falls into one millisecond happens in the order in which it
 * was asked for, and promises settle between the millisecond's rounds, so the same seed gives the same run.
 */
export class VirtualClock {
  readonly #turns = new Map<number, Happening[]>()
  readonly #order = new TurnHeap()
  #nowMs = 0
  #happened = 0

  /** Milliseconds since the beginning. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** How many timers and deliveries were played: what a run costs. */
  get happened(): number {
    return this.#happened
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve))
  }

  after(delayMs: number, fire: () => void): Timer {
    const turn = this.#nowMs + Math.max(0, Math.ceil(delayMs / TURN_MS)) * TURN_MS
    const happening: Happening = {
      fire,
      cancel() {
        happening.fire = undefined
      },
    }
    const others = this.#turns.get(turn)
    if (others) others.push(happening)
    else {
      this.#turns.set(turn, [happening])
      this.#order.push(turn)
    }
    return happening
  }

  /** Plays everything up to and including this moment. */
  async advanceTo(untilMs: number): Promise<void> {
    await settle()
    for (let turn = this.#order.first; turn !== undefined && turn <= untilMs; turn = this.#order.first) {
      this.#nowMs = turn
      await this.#play(turn)
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  advance(ms: number): Promise<void> {
    return this.advanceTo(this.#nowMs + ms)
  }

  async #play(turn: number): Promise<void> {
    for (let round = 0; ; round++) {
      const happenings = this.#turns.get(turn)
      if (!happenings) break
      if (round > ROUNDS_MAX) throw new Error(`time stands still at ${turn} ms: timers without delay set one another`)
      this.#turns.delete(turn)
      this.#order.pop()
      for (const { fire } of happenings) {
        if (!fire) continue
        this.#happened++
        fire()
      }
      await settle()
    }
  }
}

/** Everything that waits on promises alone comes to rest within one turn of the event loop. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** The turns that have something to play, soonest first; each once. */
class TurnHeap {
  readonly #turns: number[] = []

  get first(): number | undefined {
    return this.#turns[0]
  }

  push(turn: number): void {
    const turns = this.#turns
    let place = turns.push(turn) - 1
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = turns[above] as number
      if (other <= turn) break
      turns[place] = other
      place = above
    }
    turns[place] = turn
  }

  pop(): void {
    const turns = this.#turns
    const last = turns.pop()
    if (last === undefined || turns.length === 0) return
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= turns.length) break
      if (below + 1 < turns.length && (turns[below + 1] as number) < (turns[below] as number)) below++
      if ((turns[below] as number) >= last) break
      turns[place] = turns[below] as number
      place = below
    }
    turns[place] = last
  }
}
