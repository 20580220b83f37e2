import { abortedError, type Clock } from '@resilient-swarm/contract'

/** Resolves after `delayMs`; rejects with ERR_ABORTED as soon as the signal fires. */
export function sleep({ clock, delayMs, signal }: { clock: Clock; delayMs: number; signal: AbortSignal }): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortedError(signal))
    const cancel = () => {
      timer.cancel()
      reject(abortedError(signal))
    }
    const timer = clock.setTimer(delayMs, () => {
      signal.removeEventListener('abort', cancel)
      resolve()
    })
    signal.addEventListener('abort', cancel, { once: true })
  })
}

/** What the promise comes to when it does so within `delayMs` and before the signal fires, else undefined. Nothing waits on after that. */
export function within<Value>(
  promise: Promise<Value>,
  { clock, delayMs, signal }: Parameters<typeof sleep>[0],
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const settled = () => {
      timer.cancel()
      signal.removeEventListener('abort', end)
    }
    const end = () => {
      settled()
      resolve(undefined)
    }
    const timer = clock.setTimer(delayMs, end)
    signal.addEventListener('abort', end, { once: true })
    promise.then(resolve, reject).finally(settled)
    if (signal.aborted) end()
  })
}
