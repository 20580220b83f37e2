import { abortedError, type PeerId, type Runtime, SwarmError } from '@resilient-swarm/contract'
import type { History } from './history.ts'
import type { ConnectedPeer } from './peer.ts'

export interface CallWish {
  readonly timeoutMs: number
  /** The swarm's own wish, not the application's: any other peer will do, so it ends as soon as this one has no room. */
  readonly isForMesh?: boolean
  readonly signal?: AbortSignal | undefined
}

export interface CallsOptions {
  readonly runtime: Runtime
  readonly history: History
  /** Tries every way until the signal fires; rejects when trying on is useless. See `seekPeer`. */
  readonly seek: (target: PeerId, search: Search) => Promise<void>
  /** Nobody wishes for this peer any more, and it was not reached. */
  readonly onGivenUp: (target: PeerId, error: SwarmError) => void
}

/** One search, as `seek` knows it. */
export interface Search {
  /** Ends it. */
  readonly signal: AbortSignal
  /** A dial failed because the peer has no room. */
  readonly onBusy: (error: SwarmError) => void
}

/** The wishes to reach peers, one search a target however many wish for it. */
export interface Calls<Remote> {
  /** Resolves when the peer is connected, by whichever side's attempt and whichever way. */
  call(target: PeerId, wish: CallWish): Promise<ConnectedPeer<Remote>>
  isCalling(target: PeerId): boolean
  /** Nobody but the swarm itself wishes for it. */
  isForMesh(target: PeerId): boolean
  readonly size: number
  /** The peer is connected. */
  settle(peer: ConnectedPeer<Remote>): void
  close(error: SwarmError): void
}

interface Waiter<Remote> {
  readonly isForMesh: boolean
  resolve(peer: ConnectedPeer<Remote>): void
  reject(error: unknown): void
  /** Rejects; the search ends with its last waiter. */
  giveUp(error: SwarmError): void
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
    const onBusy = (error: SwarmError) => {
      for (const waiter of [...call.waiters]) if (waiter.isForMesh) waiter.giveUp(error)
    }
    seek(target, { signal: call.search.signal, onBusy }).catch((error: unknown) =>
      end(target, call, (waiter) => waiter.reject(error)),
    )
    return call
  }

  function end(target: PeerId, call: Call<Remote>, tell: (waiter: Waiter<Remote>) => void): void {
    if (calls.get(target) !== call) return
    calls.delete(target)
    call.search.abort(overError())
    for (const waiter of call.waiters) tell(waiter)
  }

  return {
    call(target, { timeoutMs, signal, isForMesh = false }) {
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
          isForMesh,
          giveUp,
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
    isForMesh(target) {
      const waiters = [...(calls.get(target)?.waiters ?? [])]
      return waiters.length > 0 && waiters.every((waiter) => waiter.isForMesh)
    },
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
