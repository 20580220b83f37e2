import { type Clock, type PeerId, SwarmError } from '@resilient-swarm/contract'
import type { Circuits } from './circuits.ts'
import { type DirectDialler, isFinal } from './direct-dialler.ts'
import {
  ATTEMPT_TIMEOUT_MS,
  CIRCUITS_SOUGHT_MAX,
  CIRCUITS_TRIED_AT_ONCE_MAX,
  DIRECT_HEAD_START_MS,
  RETRY_DELAY_MS_MAX,
  RETRY_DELAY_MS_MIN,
  SEEK_RELAY_MS,
  SEEK_RELAY_PATIENCE_MS,
} from './limits.ts'
import { sleep, within } from './sleep.ts'

export interface SeekPeerOptions {
  readonly target: PeerId
  readonly clock: Clock
  readonly dialler: DirectDialler
  readonly circuits: Circuits
  /** Ends the search: the peer is connected, by whichever way, or nobody wishes for it any more. */
  readonly signal: AbortSignal
  /** A dial failed because the peer has no room. */
  readonly onBusy: (error: SwarmError) => void
}

/**
 * Tries every way to a peer that is not connected until the signal fires; rejects when trying on is useless. Direct attempts begin
 * at once, circuits a little later, so that two peers who meet directly bother nobody.
 */
export function seekPeer(options: SeekPeerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    options.signal.addEventListener('abort', () => resolve(), { once: true })
    seekDirectly(options).catch(reject)
    seekCircuit(options).catch(reject)
  })
}

/** Direct dials, one after the other. A round that stands in for the peer's own waits for that before the next. */
async function seekDirectly({ target, clock, dialler, signal, onBusy }: SeekPeerOptions): Promise<void> {
  for (let delayMs = RETRY_DELAY_MS_MIN; !signal.aborted; delayMs = Math.min(delayMs * 2, RETRY_DELAY_MS_MAX)) {
    let pauseMs = delayMs
    try {
      await dialler.dial(target)
      pauseMs = ATTEMPT_TIMEOUT_MS // the path stands; setting the peer up over it ends the search
    } catch (error) {
      if (isFinal(error)) throw error
      if (error instanceof SwarmError && error.code === 'ERR_PEER_BUSY') onBusy(error)
      if (isYielded(error)) pauseMs = ATTEMPT_TIMEOUT_MS
    }
    await pause({ clock, delayMs: pauseMs, signal })
  }
}

/** The next relays are asked as soon as these have not done it in a moment: those who are silent for long may be many. */
async function seekCircuit({ target, clock, circuits, signal }: SeekPeerOptions): Promise<void> {
  await pause({ clock, delayMs: DIRECT_HEAD_START_MS, signal })
  const tried = new Set<PeerId>()
  const underWay = new Set<PeerId>()
  let final: SwarmError | undefined

  /** True when a path stands. */
  async function dial(relay: PeerId): Promise<boolean> {
    tried.add(relay)
    underWay.add(relay)
    try {
      await circuits.dial({ relay, target, signal })
      return true
    } catch (error) {
      if (isFinal(error)) final = error
      return false
    } finally {
      underWay.delete(relay)
    }
  }

  while (!signal.aborted) {
    const relays = circuits.relaysTo(target).filter(({ relay }) => !tried.has(relay) && !underWay.has(relay))
    const room = Math.min(CIRCUITS_TRIED_AT_ONCE_MAX, CIRCUITS_SOUGHT_MAX - underWay.size)
    const chosen = relays.slice(0, Math.max(0, room))
    if (relays.length === 0) tried.clear() // all were asked: begin anew after a pause
    const dials = Promise.all(chosen.map(({ relay }) => dial(relay)))
    const stood = await within(dials, { clock, delayMs: SEEK_RELAY_PATIENCE_MS, signal })
    if (final) throw final
    if (chosen.length === 0 || stood?.includes(true)) await pause({ clock, delayMs: SEEK_RELAY_MS, signal })
  }
}

function isYielded(error: unknown): boolean {
  return error instanceof SwarmError && error.code === 'ERR_CALL_YIELDED'
}

/** Sleeps; an end of the search ends it too, without an error. */
async function pause(options: Parameters<typeof sleep>[0]): Promise<void> {
  await sleep(options).catch(() => {})
}
