import type { Clock, Runtime } from '@resilient-swarm/contract'
import { createSeededRandom } from '@resilient-swarm/testkit'

interface Due {
  readonly atMs: number
  readonly order: number
  readonly fire: () => void
  isCancelled: boolean
}

const SETTLE_ROUNDS = 8 // the longest chain of promises between a channel's message and what it causes

/** A clock for thousands of runs: a heap, and a few turns of the micro-task queue between two events. */
export class SimulatedTime {
  nowMs = 0
  /** Timers and deliveries that wait. */
  pending = 0
  #order = 0
  readonly #heap: Due[] = []

  after(delayMs: number, fire: () => void): { cancel(): void } {
    return this.at(this.nowMs + Math.max(0, delayMs), fire)
  }

  at(atMs: number, fire: () => void): { cancel(): void } {
    const due: Due = { atMs, order: this.#order++, fire, isCancelled: false }
    this.pending++
    this.#push(due)
    return {
      cancel: () => {
        if (!due.isCancelled) this.pending--
        due.isCancelled = true
      },
    }
  }

  /** Until `untilMs`, or until `isDone` says so; false when the time is over. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<boolean> {
    await settle()
    while (!isDone()) {
      const due = this.#heap[0]
      if (!due || due.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs)
        return false
      }
      this.#pop()
      if (due.isCancelled) continue
      due.isCancelled = true
      this.pending--
      this.nowMs = due.atMs
      due.fire()
      await settle()
    }
    return true
  }

  #push(due: Due): void {
    const heap = this.#heap
    let index = heap.push(due) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(due, heap[parent] as Due)) break
      heap[index] = heap[parent] as Due
      index = parent
    }
    heap[index] = due
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Due
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Due, heap[child] as Due)) child++
      if (!isBefore(heap[child] as Due, last)) break
      heap[index] = heap[child] as Due
      index = child
    }
    heap[index] = last
  }
}

/** One machine: while it is frozen its timers and what arrives wait, and come behind it: timers first, as in an event loop that was blocked. */
export class SimulatedNode {
  readonly time: SimulatedTime
  readonly runtime: Runtime
  readonly #timers = new Set<object>()
  #frozenUntilMs = 0
  #isFrozen = false
  #held: (() => void)[] = []
  #heldTimers: (() => void)[] = []

  constructor(time: SimulatedTime, seed: number) {
    this.time = time
    const clock: Clock = {
      now: () => 1_700_000_000_000 + time.nowMs,
      monotonic: () => time.nowMs,
      setTimer: (delayMs, fire) => {
        const key = {}
        this.#timers.add(key)
        const due = () => {
          this.#timers.delete(key)
          fire()
        }
        const timer = this.at(time.nowMs + Math.max(0, delayMs), due, true)
        return {
          cancel: () => {
            this.#timers.delete(key)
            timer.cancel()
          },
        }
      },
    }
    this.runtime = { clock, random: createSeededRandom(seed), log: { debug() {}, info() {}, warn() {} } }
  }

  /** Timers that its own code has set. */
  get timers(): number {
    return this.#timers.size
  }

  after(delayMs: number, fire: () => void): { cancel(): void } {
    return this.at(this.time.nowMs + Math.max(0, delayMs), fire)
  }

  at(atMs: number, fire: () => void, isTimer = false): { cancel(): void } {
    let isCancelled = false
    const due = () => {
      if (!isCancelled) fire()
    }
    const timer = this.time.at(atMs, () => {
      if (this.#isFrozen) (isTimer ? this.#heldTimers : this.#held).push(due)
      else due()
    })
    return {
      cancel: () => {
        isCancelled = true
        timer.cancel()
      },
    }
  }

  freeze(forMs: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.time.nowMs + forMs)
    this.#isFrozen = true
    this.time.at(this.#frozenUntilMs, () => this.#thaw())
  }

  #thaw(): void {
    if (this.time.nowMs < this.#frozenUntilMs) return
    this.#isFrozen = false
    const [timers, arrivals] = [this.#heldTimers, this.#held]
    this.#heldTimers = []
    this.#held = []
    for (const due of [...timers, ...arrivals]) due()
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}

async function settle(): Promise<void> {
  for (let round = 0; round < SETTLE_ROUNDS; round++) await null
}
