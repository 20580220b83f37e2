import { type PeerId, type Scope, SwarmError } from '@resilient-swarm/contract'
import type { LinkGraph, MeshKeeper } from '@resilient-swarm/mesh'
import type { PeerRecord } from '@resilient-swarm/peer-table'
import type { Calls } from './calls.ts'
import type { History } from './history.ts'
import { HANDSHAKES_PENDING_MAX, LETTING_GO_MS, MADE_ROOM_GOODBYE_MS, RELEASE_ANSWER_MS } from './limits.ts'
import { loadOnce } from './load-once.ts'
import type { Settings } from './options.ts'
import type { ConnectedPeer } from './peer.ts'
import { PEER_CODES } from './peer-codes.ts'
import type { Roster } from './roster.ts'
import { sleep } from './sleep.ts'
import type { TableView } from './table-link.ts'
import { withSignal } from './with-signal.ts'

export interface MeshLinkOptions<Remote> {
  readonly self: PeerId
  readonly settings: Settings
  readonly scope: Scope
  readonly history: History
  readonly roster: Roster<Remote>
  readonly calls: Calls<Remote>
  readonly table: TableView
  readonly graph: LinkGraph
  readonly nowMs: () => number
  /** For one more peer of ours. */
  readonly hasRoom: () => boolean
}

/** The mesh as the swarm uses it: the keeper, told by records and peers. */
export interface MeshLink<Remote> {
  /** Its record says that it is in the swarm: it has neither expired nor left. */
  isStanding(id: PeerId): boolean
  /** Links that others may not take; see `MeshKeeper`. */
  readonly reserved: number
  onRecord(record: PeerRecord): void
  /** Peers came, went, or changed. */
  nudge(): void
  /** A peer ended its link, which neither end needs. */
  released(id: PeerId): void
  /** A peer fell silent and did not come back. */
  lost(id: PeerId): void
  /** Somebody calls while every place is taken: true when one that nobody here needs is given up for them. */
  makeRoom(caller: PeerId): boolean
  /**
   * Before the application calls: the peer, when it is connected already. Otherwise there is room for it, where anybody can be
   * let go for it, and a link to it that both ends let go has ended.
   */
  makeWay(id: PeerId, signal: AbortSignal | undefined): Promise<ConnectedPeer<Remote> | undefined>
  /** A peer asks: after a no it ends the link. */
  needs(peer: ConnectedPeer<unknown>): boolean
}

export function createMeshLink<Remote>(options: MeshLinkOptions<Remote>): MeshLink<Remote> {
  const { self, settings, scope, history, roster, calls, table, graph } = options
  const { peersMax, runtime } = settings

  function standing(id: PeerId): PeerRecord | undefined {
    const record = table.get(id)
    return record && !record.left && record.expiresMs > options.nowMs() ? record : undefined
  }

  let keeper: MeshKeeper | undefined
  const loadKeeper = loadOnce(async () => {
    const { createMeshKeeper } = await import('@resilient-swarm/mesh')
    keeper = createMeshKeeper({
      self,
      runtime,
      scope,
      peersMax,
      callsMax: HANDSHAKES_PENDING_MAX,
      graph,
      isAlive: (id) => standing(id) !== undefined,
      isRelay: (id) => standing(id)?.relay ?? false,
      peers: () =>
        roster.peers.map(({ publicKey, rttMs, state, idleMs }) => ({
          id: publicKey,
          rttMs,
          isUp: state === 'connected',
          idleMs,
        })),
      isConnected: (id) => roster.get(id) !== undefined,
      isCalling: calls.isCalling,
      calling: () => calls.size,
      call: (id, { timeoutMs }) => calls.call(id, { timeoutMs, isForMesh: true }),
      release,
    })
    for (const { id, left } of table.records) if (!left) keeper.learn(id)
    keeper.nudge()
  })

  /** Until it is loaded, which begins at once, there is nothing to keep. */
  function load(): void {
    if (keeper || scope.isClosed) return
    loadKeeper().catch((error: unknown) => runtime.log.warn('the mesh waits for its code', { error: String(error) }))
  }
  load()

  async function release(id: PeerId, { isForced }: { readonly isForced: boolean }): Promise<boolean> {
    const peer = roster.get(id)
    if (!peer) return true
    if (!isForced) {
      const answer = await peer.rpcSession.call('needsLink', [], { timeoutMs: RELEASE_ANSWER_MS })
      if (answer !== false || peer.idleMs === 0) return false
    }
    history.note(id, isForced ? 'released: its place was wanted' : 'released: neither end needs the link')
    peer.letGo()
    peer.session.close({ by: 'us', code: PEER_CODES.released })
    // Its place is somebody's who is just connecting: one that does not confirm the end must not keep it.
    if (isForced) {
      const timer = runtime.clock.setTimer(MADE_ROOM_GOODBYE_MS, () => peer.session.giveUp(givenUpError()))
      void peer.session.closed.then(() => timer.cancel())
    }
    return true
  }

  async function makeWay(id: PeerId, signal = scope.signal): Promise<ConnectedPeer<Remote> | undefined> {
    const peer = roster.get(id)
    if (peer?.isLetGo) {
      await withSignal(Promise.race([peer.closed, sleep({ clock: runtime.clock, delayMs: LETTING_GO_MS, signal })]), signal)
    }
    const present = roster.get(id)
    if (!present && !options.hasRoom()) keeper?.makeRoom()
    return present
  }

  return {
    isStanding: (id) => standing(id) !== undefined,
    makeWay,
    get reserved() {
      return keeper?.reserved ?? 0
    },
    onRecord({ id, left }) {
      load()
      if (left) keeper?.forget(id)
      else keeper?.learn(id)
    },
    nudge: () => keeper?.nudge(),
    released: (id) => keeper?.released(id),
    lost: (id) => keeper?.lost(id),
    makeRoom: () => keeper?.makeRoom() ?? false,
    needs(peer) {
      if (keeper?.needs(peer.publicKey) ?? true) return true
      peer.letGo()
      return false
    },
  }
}

function givenUpError(): SwarmError<'ERR_PATH_LOST'> {
  return new SwarmError('Its place was wanted, and it did not confirm the end.', { code: 'ERR_PATH_LOST' })
}
