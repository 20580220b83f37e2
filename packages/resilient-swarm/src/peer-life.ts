import type { CloseReason, PeerId, Scope, Substream } from '@resilient-swarm/contract'
import type { LinksTeller } from '@resilient-swarm/mesh'
import { isLarger } from '@resilient-swarm/mesh/links'
import { NodeBuffers } from '@resilient-swarm/multiplexer'
import type { Session, SessionPath, SessionPathEvent } from '@resilient-swarm/session'
import { type Acquaintances, replacedError } from './acquaintances.ts'
import { builtInMethods } from './built-in-methods.ts'
import type { Calls } from './calls.ts'
import type { Circuits } from './circuits.ts'
import type { DatabaseSharing } from './database-sharing.ts'
import type { DoorKeeper } from './door-keeper.ts'
import type { LeaveReason, SwarmEvents } from './events.ts'
import { closedError } from './goodbye.ts'
import { type History, inWords } from './history.ts'
import type { MeshLink } from './mesh-link.ts'
import type { Settings } from './options.ts'
import { isDatabaseType, isOwnType, OWN_TYPES } from './own-types.ts'
import type { ConnectedPeer } from './peer.ts'
import type { PeerUpkeep } from './peer-upkeep.ts'
import type { Roster } from './roster.ts'
import { setUpPeer } from './set-up-peer.ts'
import type { Signalling } from './signalling.ts'
import type { TableLink } from './table-link.ts'

export type Emit<Remote> = <Name extends keyof SwarmEvents<Remote>>(event: Name, ...facts: SwarmEvents<Remote>[Name]) => boolean

export interface PeerLifeOptions<Remote> {
  readonly self: PeerId
  readonly settings: Settings
  readonly scope: Scope
  readonly history: History
  readonly roster: Roster<Remote>
  readonly acquaintances: Acquaintances
  readonly signalling: Signalling
  readonly table: TableLink
  readonly databases: DatabaseSharing
  readonly links: LinksTeller
  readonly circuits: Circuits
  readonly upkeep: PeerUpkeep
  readonly calls: Calls<Remote>
  readonly mesh: MeshLink<Remote>
  readonly doors: DoorKeeper
  readonly emit: Emit<Remote>
}

/** From the session that has just begun to the end of a peer: which part is told of what, and in which order. */
export interface PeerLife<Remote> {
  /** A session with whoever proved this key. */
  onMet(id: PeerId, session: Session): void
  onPath(id: PeerId, event: SessionPathEvent): void
  onState(id: PeerId, session: Session): void
  /** It is in the roster. */
  onPeer(peer: ConnectedPeer<Remote>): void
  /** It is no more. */
  onLeft(peer: ConnectedPeer<Remote>, reason: LeaveReason, end: CloseReason): void
}

export function createPeerLife<Remote>(options: PeerLifeOptions<Remote>): PeerLife<Remote> {
  const { self, settings, scope, history, roster, acquaintances, signalling, table, databases } = options
  const { links, circuits, upkeep, calls, mesh, doors, emit } = options
  const { runtime } = settings
  const nodeBuffers = new NodeBuffers()

  const builtIn = (peer: ConnectedPeer<Remote>) =>
    builtInMethods(peer, { runtime, signalling, find: roster.get, needsLink: mesh.needs })

  async function meet(id: PeerId, session: Session): Promise<void> {
    try {
      const leads = isLarger(self, id)
      const peer = await setUpPeer<Remote>({ id, session, leads, settings, nodeBuffers, builtIn, onSubstream })
      if (scope.isClosed) peer.multiplexer.abort(closedError())
      else if (!acquaintances.isCurrent(id, session)) peer.multiplexer.abort(replacedError())
      else roster.add(peer)
    } catch (error) {
      history.note(id, inWords(error))
    }
  }

  function onSubstream(peer: ConnectedPeer<Remote>, substream: Substream): void {
    const { type } = substream
    if (type === OWN_TYPES.table) table.accept(peer, substream)
    else if (isDatabaseType(type)) databases.accept(peer, substream)
    else if (type === OWN_TYPES.relay) circuits.accept(peer, substream)
    else if (isOwnType(type))
      substream.reset() // a second `dnode`: never the application's
    else tellApplication(peer, substream)
  }

  function tellApplication(peer: ConnectedPeer<Remote>, substream: Substream): void {
    upkeep.nudge(peer.publicKey)
    peer.use.during(substream.closed)
    const heard = peer.emit('stream', substream)
    if (!emit('stream', substream, peer) && !heard) substream.reset()
  }

  function onSendingPath(peer: ConnectedPeer<Remote>, { facts }: SessionPath): void {
    if (!facts.isDirect) circuits.dropPeer(peer.publicKey)
    links.tell()
    peer.emit('path', peer.path)
  }

  return {
    onMet: (id, session) => void meet(id, session),
    onPath(id, event) {
      history.note(id, event.told)
      const peer = roster.get(id)
      if (!peer) return
      upkeep.onPath(id, event)
      if (event.kind === 'sending') onSendingPath(peer, event.path)
    },
    onState(id, { state }) {
      const peer = roster.get(id)
      if (!peer || state === 'ended') return
      if (state === 'reconnecting') circuits.dropPeer(id)
      peer.emit(state === 'reconnecting' ? 'reconnecting' : 'reconnected')
      if (state !== 'reconnecting') databases.reconnected(peer)
      upkeep.nudge(id)
      mesh.nudge()
    },
    onPeer(peer) {
      calls.settle(peer)
      // The table begins a turn later: opening a replication takes longer than the rest of a connection.
      peer.scope.timer(runtime.clock, 0, () => {
        if (peer.leads) table.keepReplicating(peer)
        databases.connect(peer)
        links.tell()
      })
      upkeep.watch(peer)
      doors.onPeer(peer.publicKey)
      mesh.nudge()
      emit('peer', peer)
    },
    onLeft(peer, reason, end) {
      history.note(peer.publicKey, `${reason}${end.error ? `: ${end.error.message}` : ''}`)
      circuits.dropPeer(peer.publicKey)
      links.tell()
      emit('peer-left', peer, reason, end.error)
      if (reason === 'released') mesh.released(peer.publicKey)
      else if (reason === 'lost') mesh.lost(peer.publicKey)
      else mesh.nudge()
    },
  }
}
