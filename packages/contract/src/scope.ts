import type { Clock } from './runtime.ts'

type End = () => void | Promise<void>

/**
 * Owns what must end. Timers, listeners and children register once; closing the scope ends all of them, newest first.
 * Adding to a scope that has closed ends the newcomer at once.
 */
export class Scope {
  readonly #ends = new Set<End>()
  readonly #abort = new AbortController()
  #closing: Promise<void> | undefined

  /** Aborted when the scope begins to close. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /** Registers an end; the returned function takes it back without calling it. */
  add(end: End): () => void {
    if (this.#closing) {
      void Promise.resolve().then(end).catch(ignore)
      return ignore
    }
    this.#ends.add(end)
    return () => this.#ends.delete(end)
  }

  /** A scope that ends with this one, or earlier by itself. */
  child(): Scope {
    const child = new Scope()
    const forget = this.add(() => child.close())
    child.add(forget)
    return child
  }

  /** Fires once after `delayMs`, unless cancelled or the scope closes before. */
  timer(clock: Clock, delayMs: number, fire: () => void): { cancel(): void } {
    const timer = clock.setTimer(delayMs, () => {
      forget()
      fire()
    })
    const forget = this.add(() => timer.cancel())
    return {
      cancel() {
        forget()
        timer.cancel()
      },
    }
  }

  /** Calls `listener` for each event until the scope closes. */
  listen(target: EventTarget, event: string, listener: (event: Event) => void): void {
    if (this.#closing) return
    target.addEventListener(event, listener)
    this.add(() => target.removeEventListener(event, listener))
  }

  /** Ends everything, newest first, each even if another failed. Never rejects; idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    this.#abort.abort()
    const ends = [...this.#ends].reverse()
    this.#ends.clear()
    // Started together so that a close is as slow as its slowest part, in order so that parents outlive children's start.
    await Promise.allSettled(ends.map(async (end) => end()))
  }
}

function ignore(): void {}
