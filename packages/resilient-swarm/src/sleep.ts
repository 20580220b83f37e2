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
