import { abortedError, type PeerId, type Runtime, SwarmError } from '@resilient-swarm/contract'
import type { History } from './history.ts'
import { ATTEMPT_TIMEOUT_MS } from './limits.ts'
import type { ConnectedPeer } from './peer.ts'

export interface CallWish {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

export interface CallsOptions<Remote> {
  readonly runtime: Runtime
  readonly history: History
  /** Dials until connected; see `dialUntilConnected`. */
  readonly dial: (target: PeerId, signal: AbortSignal, onDialing: (dialing: boolean) => void) => Promise<ConnectedPeer<Remote>>
  readonly onPeer: (peer: ConnectedPeer<Remote>) => void
}

/** The wishes to reach peers, one dialling a target however many wish for it. */
export interface Calls<Remote> {
  /** Resolves when the peer is connected by whichever side's attempt. */
  call(target: PeerId, wish: CallWish): Promise<ConnectedPeer<Remote>>
  isCalling(target: PeerId): boolean
  isDialing(target: PeerId): boolean
  readonly size: number
  /** Drops the attempt under way because the peer's own is answered instead; dials again if nothing comes of it. */
  yieldTo(target: PeerId): void
  /** The peer is connected. */
  settle(peer: ConnectedPeer<Remote>): void
  close(error: SwarmError): void
}

interface Waiter<Remote> {
  resolve(peer: ConnectedPeer<Remote>): void
  reject(error: unknown): void
}

interface Call<Remote> {
  readonly waiters: Set<Waiter<Remote>>
  dialing: boolean
  attempt: AbortController
  yielded: boolean
  pause: { cancel(): void } | undefined
}

export function createCalls<Remote>({ runtime, history, dial, onPeer }: CallsOptions<Remote>): Calls<Remote> {
  const calls = new Map<PeerId, Call<Remote>>()

  function begin(target: PeerId): Call<Remote> {
    const call: Call<Remote> = {
      waiters: new Set(),
      dialing: false,
      attempt: new AbortController(),
      yielded: false,
      pause: undefined,
    }
    calls.set(target, call)
    start(target, call)
    return call
  }

  function start(target: PeerId, call: Call<Remote>): void {
    call.attempt = new AbortController()
    call.yielded = false
    dial(target, call.attempt.signal, (dialing) => {
      call.dialing = dialing
    }).then(onPeer, (error: unknown) => {
      if (calls.get(target) !== call) return
      if (call.yielded) call.pause = runtime.clock.setTimer(ATTEMPT_TIMEOUT_MS, () => start(target, call))
      else end(target, call, (waiter) => waiter.reject(error))
    })
  }

  function end(target: PeerId, call: Call<Remote>, tell: (waiter: Waiter<Remote>) => void): void {
    if (calls.get(target) !== call) return
    calls.delete(target)
    call.pause?.cancel()
    call.attempt.abort(new SwarmError('The call is over.', { code: 'ERR_CALL_OVER' }))
    for (const waiter of call.waiters) tell(waiter)
  }

  return {
    call(target, { timeoutMs, signal }) {
      if (signal?.aborted) return Promise.reject(abortedError(signal))
      const call = calls.get(target) ?? begin(target)
      return new Promise((resolve, reject) => {
        const giveUp = (error: SwarmError) => {
          settled()
          reject(error)
          if (call.waiters.size === 0) end(target, call, () => {})
        }
        const cancel = () => giveUp(abortedError(signal as AbortSignal))
        const timer = runtime.clock.setTimer(timeoutMs, () => giveUp(timeoutError(target, timeoutMs, history)))
        const settled = () => {
          call.waiters.delete(waiter)
          timer.cancel()
          signal?.removeEventListener('abort', cancel)
        }
        const waiter: Waiter<Remote> = {
          resolve(peer) {
            settled()
            resolve(peer)
          },
          reject(error) {
            settled()
            reject(error)
          },
        }
        call.waiters.add(waiter)
        signal?.addEventListener('abort', cancel, { once: true })
      })
    },
    isCalling: (target) => calls.has(target),
    isDialing: (target) => calls.get(target)?.dialing ?? false,
    get size() {
      return calls.size
    },
    yieldTo(target) {
      const call = calls.get(target)
      if (!call || call.yielded) return
      call.yielded = true
      call.attempt.abort(new SwarmError('The peer called at the same time; its attempt goes on.', { code: 'ERR_CALL_YIELDED' }))
    },
    settle(peer) {
      const call = calls.get(peer.publicKey)
      if (call) end(peer.publicKey, call, (waiter) => waiter.resolve(peer))
    },
    close(error) {
      for (const [target, call] of [...calls]) end(target, call, (waiter) => waiter.reject(error))
    },
  }
}

function timeoutError(target: PeerId, timeoutMs: number, history: History): SwarmError {
  const latest = history.read(target).at(-1)
  const told = latest ? ` Last: ${latest.text}` : ''
  const message = `${target} was not reached within ${timeoutMs / 1000} s; swarm.why(key) lists what was tried.${told}`
  return new SwarmError(message, { code: 'ERR_CALL_TIMEOUT', retryable: true })
}
