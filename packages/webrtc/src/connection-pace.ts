import { abortedError, type Bucket, type Clock, fullBucket, type Rate, type Timer, takeToken } from '@resilient-swarm/contract'
import { BACKGROUND_PATIENCE_MS } from './limits.ts'

/** Why a connection is wanted: somebody waits for our dial, a peer dialled us, or the swarm would like one. */
export type ConnectionCause = 'dial' | 'answer' | 'background'

export interface ConnectionWish {
  /** Asked anew whenever one of those who wait may go: a dial of the swarm's becomes somebody's. */
  readonly cause: () => ConnectionCause
  readonly signal: AbortSignal
}

/** Lets new connections begin one after the other, so that a page does not spend what its browser allows it. */
export interface ConnectionPace {
  /** Resolves when this one may begin; rejects with ERR_ABORTED. Who waits has a signal that ends it, so the queue is as short as the dials. */
  take(wish: ConnectionWish): Promise<void>
}

export function createConnectionPace({ clock, rate }: { readonly clock: Clock; readonly rate: Rate }): ConnectionPace {
  const waiting = new Set<Waiting>()
  let bucket: Bucket = fullBucket(rate, clock.monotonic())
  let last: ConnectionCause = 'background'
  let timer: Timer | undefined

  function serve(): void {
    timer = undefined
    const queue = [...waiting]
    const next = chooseNext(
      queue.map(({ cause, sinceMs }) => ({ cause: cause(), sinceMs })),
      { last, nowMs: clock.monotonic() },
    )
    const chosen = next === undefined ? undefined : queue[next]
    if (!chosen) return
    const taken = takeToken(bucket, rate, clock.monotonic())
    bucket = taken.bucket
    if (taken.allowed) {
      last = chosen.cause()
      waiting.delete(chosen)
      chosen.begin()
      serve()
    } else {
      const missing = 1 - bucket.tokens
      timer = clock.setTimer(Math.ceil((missing * 1_000) / rate.perSecond), serve)
    }
  }

  return {
    take: ({ cause, signal }) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(abortedError(signal))
        const cancel = () => {
          waiting.delete(one)
          reject(abortedError(signal))
          if (waiting.size > 0) return
          timer?.cancel()
          timer = undefined
        }
        const begin = () => {
          signal.removeEventListener('abort', cancel)
          resolve()
        }
        const one: Waiting = { cause, begin, sinceMs: clock.monotonic() }
        signal.addEventListener('abort', cancel, { once: true })
        waiting.add(one)
        if (!timer) serve()
      }),
  }
}

interface Waiting {
  readonly cause: () => ConnectionCause
  readonly begin: () => void
  readonly sinceMs: number
}

/**
 * Which of those who wait, oldest first, goes next: dials and answers take turns, so that neither starves the other; the swarm's own
 * go when nobody else waits, and every other time once they have waited for long.
 */
export function chooseNext(
  waiting: readonly { readonly cause: ConnectionCause; readonly sinceMs: number }[],
  { last, nowMs }: { readonly last: ConnectionCause; readonly nowMs: number },
): number | undefined {
  const oldest = (cause: ConnectionCause) => waiting.findIndex((one) => one.cause === cause)
  const background = oldest('background')
  const isOverdue = nowMs - (waiting[background]?.sinceMs ?? nowMs) >= BACKGROUND_PATIENCE_MS
  const turns = last === 'dial' ? [oldest('answer'), oldest('dial')] : [oldest('dial'), oldest('answer')]
  const order = isOverdue && last !== 'background' ? [background, ...turns] : [...turns, background]
  return order.find((index) => index >= 0)
}
