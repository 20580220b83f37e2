import { abortedError } from '@resilient-swarm/contract'

/** What the promise comes to, unless the signal fires before: then it rejects with ERR_ABORTED and leaves the promise to itself. */
export function withSignal<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortedError(signal))
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
  })
}
