import { abortedError, type PeerId, type Runtime, SwarmError } from '@resilient-swarm/contract'
import type { History } from './history.ts'
import type { ConnectedPeer } from './peer.ts'

export interface CallWish {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

export interface CallsOptions {
  readonly runtime: Runtime
  readonly history: History
  /** Tries every way until the signal fires; rejects when trying on is useless. See `seekPeer`. */
  readonly seek: (target: PeerId, signal: AbortSignal) => Promise<void>
  /** Nobody wishes for this peer any more, and it was not reached. */
  readonly onGivenUp: (target: PeerId, error: SwarmError) => void
}

/** The wishes to reach peers, one search a target however many wish for it. */
export interface Calls<Remote> {
  /** Resolves when the peer is connected, by whichever side's attempt and whichever way. */
  call(target: PeerId, wish: CallWish): Promise<ConnectedPeer<Remote>>
  isCalling(target: PeerId): boolean
  readonly size: number
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
  readonly search: AbortController
}

export function createCalls<Remote>({ runtime, history, seek, onGivenUp }: CallsOptions): Calls<Remote> {
  const calls = new Map<PeerId, Call<Remote>>()

  function begin(target: PeerId): Call<Remote> {
    const call: Call<Remote> = { waiters: new Set(), search: new AbortController() }
    calls.set(target, call)
    seek(target, call.search.signal).catch((error: unknown) => end(target, call, (waiter) => waiter.reject(error)))
    return call
  }

  function end(target: PeerId, call: Call<Remote>, tell: (waiter: Waiter<Remote>) => void): void {
    if (calls.get(target) !== call) return
    calls.delete(target)
    call.search.abort(overError())
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
          if (call.waiters.size > 0) return
          end(target, call, () => {})
          onGivenUp(target, error)
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
    get size() {
      return calls.size
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

function overError(): SwarmError {
  return new SwarmError('The call is over.', { code: 'ERR_CALL_OVER' })
}

function timeoutError(target: PeerId, timeoutMs: number, history: History): SwarmError {
  const latest = history.read(target).at(-1)
  const told = latest ? ` Last: ${latest.text}` : ''
  const message = `${target} was not reached within ${timeoutMs / 1000} s; swarm.why(key) lists what was tried.${told}`
  return new SwarmError(message, { code: 'ERR_CALL_TIMEOUT', retryable: true })
}
