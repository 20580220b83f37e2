import { fullBucket, type PeerId, type Runtime, takeToken } from '@resilient-swarm/contract'
import { type History, inWords } from './history.ts'
import { ATTEMPT_TIMEOUT_MS, GREETING_REST_MS, GREETINGS_AT_ONCE_MAX, GREETINGS_BURST, GREETINGS_PER_SECOND } from './limits.ts'
import { isAdmitted } from './proven-path.ts'

export interface DoorGreeterOptions {
  readonly runtime: Runtime
  readonly history: History
  readonly signal: AbortSignal
  readonly admit: (id: PeerId) => boolean | Promise<boolean>
  /** Connected, or called already. */
  readonly isMet: (id: PeerId) => boolean
  /** The table knows somebody of this name who has not left; any text. */
  readonly isInSwarm: (to: string) => boolean
  /** For one more peer who calls us. */
  readonly hasRoom: () => boolean
  /** True when somebody is given up for this one. */
  readonly makeRoom: (caller: PeerId) => boolean
  /** Resolves when the peer is connected. */
  readonly call: (id: PeerId, options: { readonly timeoutMs: number }) => Promise<unknown>
}

/**
 * What makes a door lead into the whole swarm: who stands at our own exchange and seeks somebody that only the swarm knows is called by us, and as
 * our peer finds the way. Nothing that a stranger sends goes further than this node before its key is proven over a path and it is admitted.
 */
export interface DoorGreeter {
  /** A client at our exchange, whose key is proven, has a signal for somebody who is not there. */
  onSought(sought: { readonly from: PeerId; readonly to: string }): void
}

const RATE = { perSecond: GREETINGS_PER_SECOND, burst: GREETINGS_BURST }

export function createDoorGreeter(options: DoorGreeterOptions): DoorGreeter {
  const { runtime, history, signal } = options
  const { clock } = runtime
  const underWay = new Set<PeerId>()
  /** Those who rest; no more than the rate lets in during one rest. */
  const greetedMs = new Map<PeerId, number>()
  let greetings = fullBucket(RATE, clock.monotonic())

  /** Whether this client's turn is now; takes the turn. */
  function takeTurn(from: PeerId): boolean {
    const nowMs = clock.monotonic()
    for (const [id, atMs] of greetedMs) if (nowMs - atMs >= GREETING_REST_MS) greetedMs.delete(id)
    if (underWay.size >= GREETINGS_AT_ONCE_MAX || greetedMs.has(from)) return false
    const { allowed, bucket } = takeToken(greetings, RATE, nowMs)
    greetings = bucket
    if (allowed) greetedMs.set(from, nowMs)
    return allowed
  }

  async function greet(from: PeerId): Promise<void> {
    underWay.add(from)
    try {
      // Before the offer, which tells where we are: as with somebody who calls us.
      if (!(await isAdmitted(from, { admit: options.admit, runtime, signal })) || options.isMet(from)) return
      history.note(from, 'at our door, and seeks somebody who is not: called')
      await options.call(from, { timeoutMs: ATTEMPT_TIMEOUT_MS })
    } catch (error) {
      history.note(from, `at our door, and not reached: ${inWords(error)}`)
    } finally {
      underWay.delete(from)
    }
  }

  return {
    onSought({ from, to }) {
      if (signal.aborted || options.isMet(from) || underWay.has(from) || !options.isInSwarm(to)) return
      if (takeTurn(from) && (options.hasRoom() || options.makeRoom(from))) void greet(from)
    },
  }
}
