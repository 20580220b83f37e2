import { type Channel, type CloseReason, type PeerId, type Runtime, SwarmError, type Timer } from '@resilient-swarm/contract'
import {
  CLOSE_CODES,
  createSession,
  judgeHello,
  type PathFacts,
  readHello,
  refusePath,
  type Session,
  type SessionPath,
  type SessionPathEvent,
} from '@resilient-swarm/session'
import { ABORT_FLUSH_MS, REPLACED_GOODBYE_MS } from './limits.ts'
import { PEER_CODES, refusalOfPath } from './peer-codes.ts'
import type { ProvenPath } from './proven-path.ts'

export interface AcquaintancesOptions {
  readonly runtime: Runtime
  /** What somebody new is told, on a path that we or they dialled: undefined lets them in, otherwise one of `PEER_CODES`. */
  readonly refuseNewcomer: (dialledBy: 'us' | 'peer') => number | undefined
  /** The first path of a session stands on both sides; once a session. */
  readonly onMet: (id: PeerId, session: Session) => void
  readonly onPath: (id: PeerId, event: SessionPathEvent) => void
  readonly onState: (id: PeerId, session: Session) => void
  /** The peer came back as a new instance; its old session is about to end. */
  readonly onReplaced: (id: PeerId, session: Session) => void
}

/** One session a peer, whichever side dials and however many paths there are. */
export interface Acquaintances {
  /** Hands in a path that we dialled; resolves when the peer has taken it into its session with us. */
  join(proven: ProvenPath, signal: AbortSignal): Promise<SessionPath>
  /** Hands in a path that the peer dialled: reads which session it is for, and takes it. */
  welcome(proven: ProvenPath, signal: AbortSignal): Promise<SessionPath>
  /** Everybody who has a session with us or is about to, those included who are no peers yet. */
  readonly size: number
  /** False for a session that its peer has replaced since. */
  isCurrent(id: PeerId, session: Session): boolean
  /** Ends every session now. */
  abort(error: SwarmError): void
}

interface Acquaintance {
  readonly session: Session
  /** Paths of ours on which the peer has not answered yet. */
  joining: number
  isMet: boolean
}

export function createAcquaintances(options: AcquaintancesOptions): Acquaintances {
  const { runtime } = options
  const known = new Map<PeerId, Acquaintance>()
  /** Replaced ones live on for the moment that their goodbye takes. */
  const sessions = new Set<Session>()
  const channels = new Set<Channel>()
  let timer: Timer | undefined

  /** Until it has ended for good, which is later than its session's end. */
  function keep({ secure }: ProvenPath): void {
    channels.add(secure)
    void secure.closed.then(() => {
      channels.delete(secure)
      if (channels.size === 0) timer?.cancel()
    })
  }

  function present(id: PeerId): Acquaintance | undefined {
    const made = known.get(id)
    return made && made.session.state !== 'ended' ? made : undefined
  }

  function meet(id: PeerId): Acquaintance {
    const session = createSession({ runtime })
    const made: Acquaintance = { session, joining: 0, isMet: false }
    known.set(id, made)
    sessions.add(session)
    session.onPath = (event) => {
      if (isCurrent(id, session)) options.onPath(id, event)
    }
    session.onState = (state) => {
      if (!isCurrent(id, session)) return
      const isFirst = state === 'connected' && !made.isMet
      if (isFirst) {
        made.isMet = true
        options.onMet(id, session)
      } else options.onState(id, session)
    }
    void session.closed.then(() => {
      sessions.delete(session)
      if (known.get(id) === made) known.delete(id)
    })
    return made
  }

  const isCurrent = (id: PeerId, session: Session) => known.get(id)?.session === session

  /** The peer's session with us, or a new one while there is room; otherwise the path ends with the reason. */
  function admitted({ id, secure }: ProvenPath, dialledBy: 'us' | 'peer'): Acquaintance {
    const made = present(id)
    const refusal = made ? undefined : options.refuseNewcomer(dialledBy)
    if (refusal === undefined) return made ?? meet(id)
    secure.close({ by: 'us', code: refusal })
    throw new SwarmError('This node takes no more peers.', { code: 'ERR_PEER_BUSY', retryable: true })
  }

  async function join(proven: ProvenPath, signal: AbortSignal): Promise<SessionPath> {
    const { path, secure } = proven
    keep(proven)
    const made = admitted(proven, 'us')
    made.joining++
    try {
      return await made.session.addPath({ channel: secure, facts: factsOf(path), signal })
    } catch (error) {
      throw (await refusalNow(secure.closed)) ?? error
    } finally {
      made.joining--
      forgetUnmet(made)
    }
  }

  async function welcome(proven: ProvenPath, signal: AbortSignal): Promise<SessionPath> {
    const { id, path, secure } = proven
    keep(proven)
    const hello = await readHello({ channel: secure, runtime, signal })
    const session = present(id)?.session
    const verdict = session ? judgeHello(session, hello) : hello.peerTag ? 'stale' : 'fits'
    if (verdict === 'stale') {
      refusePath(secure, CLOSE_CODES.unknownSession)
      throw new SwarmError('The peer goes on with a session that this node does not know; it makes a new one.', {
        code: 'ERR_SESSION_UNKNOWN',
        retryable: true,
      })
    }
    if (verdict === 'restarted' && session) replace(id, session)
    const made = admitted(proven, 'peer')
    try {
      return made.session.acceptPath({ channel: secure, facts: factsOf(path), hello })
    } finally {
      forgetUnmet(made)
    }
  }

  /** Nothing stands and nothing is under way: a session of which nobody has heard must not wait for ever. */
  function forgetUnmet({ joining, session }: Acquaintance): void {
    if (joining === 0 && session.state === 'connecting') session.giveUp(neverMetError())
  }

  /** A peer that confirms its old session's end bit by bit must not keep it: there would be one for each time it comes back. */
  function replace(id: PeerId, session: Session): void {
    known.delete(id)
    options.onReplaced(id, session)
    session.close({ by: 'us', code: PEER_CODES.replaced })
    const timer = runtime.clock.setTimer(REPLACED_GOODBYE_MS, () => session.giveUp(replacedError()))
    void session.closed.then(() => timer.cancel())
  }

  return {
    join,
    welcome,
    get size() {
      return known.size
    },
    isCurrent,
    abort(error) {
      for (const session of [...sessions]) session.abort(error)
      if (channels.size === 0) return
      // The ABORT that a session sends is still under way; a peer that is gone never confirms the end of a path.
      timer ??= runtime.clock.setTimer(ABORT_FLUSH_MS, () => {
        for (const channel of [...channels]) channel.abort(error)
      })
    },
  }
}

function factsOf({ kind, via }: ProvenPath['path']): PathFacts {
  return { kind, isDirect: via === undefined, ...(via === undefined ? {} : { via }) }
}

/** What the peer said in ending the path, when it has ended already. */
async function refusalNow(closed: Promise<CloseReason>): Promise<SwarmError | undefined> {
  const end = await Promise.race([closed, Promise.resolve(undefined)])
  return end && refusalOfPath(end)
}

function neverMetError(): SwarmError {
  return new SwarmError('No path to the peer came to stand.', { code: 'ERR_PATH_LOST', retryable: true })
}

export function replacedError(): SwarmError {
  return new SwarmError('The peer came back as a new instance before it had heard that this session ends.', {
    code: 'ERR_PATH_LOST',
    retryable: true,
  })
}
