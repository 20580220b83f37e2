import { type PeerId, Scope } from '@resilient-swarm/contract'
import { createKeyPair, type KeyPair } from '@resilient-swarm/identity'
import { createLinksTeller, isLarger } from '@resilient-swarm/mesh/links'
import type { SignalServerStatus } from '@resilient-swarm/signal-exchange'
import { openHome } from '#home'
import { type Acquaintances, createAcquaintances } from './acquaintances.ts'
import { type Answerer, createAnswerer, judgeOffer } from './answer.ts'
import { type Calls, type CallWish, createCalls } from './calls.ts'
import { type Circuits, createCircuits } from './circuits.ts'
import { createDatabaseSharing, type DatabaseSharing } from './database-sharing.ts'
import { createDirectDialler, yieldedError } from './direct-dialler.ts'
import { createDoorGreeter, type DoorGreeter } from './door-greeter.ts'
import type { DoorKeeper } from './door-keeper.ts'
import { closedError, createGoodbye } from './goodbye.ts'
import { createHandshakePlaces } from './handshake-places.ts'
import { createHistory, type History } from './history.ts'
import type { Home } from './home.ts'
import { createKnownLinks } from './known-links.ts'
import { createLaterDoorKeeper } from './later-door-keeper.ts'
import { ATTEMPT_TIMEOUT_MS } from './limits.ts'
import { createListener } from './listener.ts'
import { createMeshLink, type MeshLink } from './mesh-link.ts'
import type { Settings } from './options.ts'
import type { ConnectedPeer } from './peer.ts'
import { PEER_CODES } from './peer-codes.ts'
import { createPeerLife, type Emit, type PeerLife } from './peer-life.ts'
import { createPeerUpkeep, type PeerUpkeep } from './peer-upkeep.ts'
import { createReception, type Reception } from './reception.ts'
import { createRoster, type Roster } from './roster.ts'
import { seekPeer } from './seek-peer.ts'
import { createSignalling, type Signalling } from './signalling.ts'
import { createStrangers } from './strangers.ts'
import { createTableLink, type TableLink } from './table-link.ts'

export interface NodeOptions<Remote> {
  readonly settings: Settings
  readonly emit: Emit<Remote>
}

/** All parts of one running swarm, put together: what `Swarm` shows to its user. */
export interface Node<Remote> {
  readonly settings: Settings
  readonly keyPair: KeyPair
  readonly history: History
  readonly roster: Roster<Remote>
  readonly table: TableLink
  readonly databases: DatabaseSharing
  readonly circuits: Circuits
  readonly servers: readonly SignalServerStatus[]
  readonly ready: Promise<void>
  call(target: PeerId, signal: AbortSignal | undefined): Promise<ConnectedPeer<Remote>>
  close(): Promise<void>
  destroy(): void
}

export function createNode<Remote>({ settings, emit }: NodeOptions<Remote>): Node<Remote> {
  const { runtime, transports, peersMax } = settings
  const { clock } = runtime
  const home = moveIn(settings)
  const keyPair = createKeyPair(home.seed === undefined ? {} : { seed: home.seed })
  const self = keyPair.peerId
  const scope = new Scope()
  const history = createHistory(clock)
  const places = createHandshakePlaces()
  const roster: Roster<Remote> = createRoster({
    onPeer: (peer) => life.onPeer(peer),
    onLeft: (...facts) => life.onLeft(...facts),
  })
  const isConnected = (id: PeerId) => roster.get(id) !== undefined
  /** Whoever calls us leaves room for the links of our own choice. */
  const placesFor = (dialledBy: 'us' | 'peer') => (dialledBy === 'us' ? peersMax : peersMax - mesh.reserved)
  const hasRoom = (dialledBy: 'us' | 'peer') => acquaintances.size < placesFor(dialledBy)

  const graph = createKnownLinks({ self, roster, recordOf: (id) => table.view.get(id) })
  const signalling: Signalling = createSignalling({
    keyPair,
    settings,
    history,
    neighbours: () => roster.peers,
    graph,
    isKnown: (id) => table.view.get(id) !== undefined,
    onOffer: (offer) => answerer.receive(offer),
    onError: (error) => emit('error', error),
    onDisplaced,
    onDoor: (urls) => table.publishServers(urls),
    onSought: (sought) => greeter.onSought(sought),
  })
  const table: TableLink = createTableLink({
    keyPair,
    settings,
    folder: home.tableFolder,
    nowMs: signalling.nowMs,
    onRecord(record) {
      emit('record', record)
      doors.onRecord(record)
      mesh.onRecord(record)
      upkeep.nudge(record.id)
    },
    onError: (error) => emit('error', error),
  })
  const databases: DatabaseSharing = createDatabaseSharing({
    runtime,
    scope,
    self,
    peersMax,
    peers: () => roster.peers,
    recordOf: (id) => table.view.get(id),
    nowMs: signalling.nowMs,
    call: (id) => reach(id, { timeoutMs: ATTEMPT_TIMEOUT_MS }),
    onError: (error) => emit('error', error),
  })
  const links = createLinksTeller({ clock, scope, peers: () => roster.peers, publish: table.publishLinks })

  const acquaintances: Acquaintances = createAcquaintances({
    runtime,
    refuseNewcomer: (dialledBy) => (scope.isClosed ? PEER_CODES.leaving : hasRoom(dialledBy) ? undefined : PEER_CODES.full),
    onMet: (id, session) => life.onMet(id, session),
    onPath: (id, event) => life.onPath(id, event),
    onState: (id, session) => life.onState(id, session),
    onReplaced: (id) => roster.replace(id),
  })
  const reception: Reception = createReception({
    keyPair,
    settings,
    acquaintances,
    isConnected,
    onTime: signalling.observeClock,
  })
  const dialler = createDirectDialler({
    transports,
    router: signalling.router,
    runtime,
    history,
    isForMesh: (target) => calls.isForMesh(target),
    async onPath(path, target, signal) {
      await reception.join({ path, target, signal })
    },
  })
  const circuits: Circuits = createCircuits({
    self,
    settings,
    history,
    places,
    reception,
    peers: () => roster.peers,
    find: roster.get,
    recordOf: (id) => table.view.get(id),
    hasRoom: () => !scope.isClosed && hasRoom('peer'),
    onLeaving: (id, path) => upkeep.onLeaving(id, path),
  })
  const upkeep: PeerUpkeep = createPeerUpkeep({
    runtime,
    scope,
    peers: () => roster.peers,
    dialler,
    circuits,
    signalling,
    abandonAnswers: (id) => answerer.abandon(id),
  })
  const calls: Calls<Remote> = createCalls({
    runtime,
    history,
    seek: (target, search) => seekPeer({ target, clock, dialler, circuits, ...search }),
    onGivenUp: dialler.cancel,
  })

  const listener = createListener({ transports, runtime, scope, onPath: createStrangers({ runtime, scope, places, reception }) })
  const answerer: Answerer = createAnswerer({
    runtime,
    history,
    places,
    signal: scope.signal,
    admit: settings.admit,
    judge(from) {
      const facts = {
        weAreDialing: dialler.isDialling(from),
        ourPathStands: dialler.isProving(from),
        weAreLarger: isLarger(self, from),
        isConnected: isConnected(from),
        room: places.room(from),
        handshakes: places.taken,
        peers: acquaintances.size,
        peersMax: placesFor('peer'),
      }
      // Whoever is given up is gone before this one stands, and meanwhile nobody else gets the place: it is this handshake's.
      const isOneTooMany = () => judgeOffer({ ...facts, peers: facts.peers - 1 }) === 'answer'
      const judged = judgeOffer(facts)
      const verdict = judged === 'busy' && isOneTooMany() && mesh.makeRoom(from) ? 'answer' : judged
      if (verdict === 'answer') dialler.cancel(from, yieldedError())
      return verdict
    },
    answer: listener.answer,
    welcome: (path, from, signal) => reception.welcome({ path, from, signal }),
  })
  const mesh: MeshLink<Remote> = createMeshLink({
    self,
    settings,
    scope,
    history,
    roster,
    calls,
    table: table.view,
    graph,
    nowMs: signalling.nowMs,
    hasRoom: () => hasRoom('us'),
  })

  const doors: DoorKeeper = createLaterDoorKeeper({
    self,
    runtime,
    scope,
    home,
    history,
    signalling,
    connected: () => roster.peers.filter(({ state }) => state === 'connected').map(({ publicKey }) => publicKey),
    recordOf: (id) => table.view.get(id),
    call: (id) => calls.call(id, { timeoutMs: ATTEMPT_TIMEOUT_MS }),
    isKnownPeer: (id) => roster.get(id) !== undefined,
    onError: (error) => emit('error', error),
  })
  const greeter: DoorGreeter = createDoorGreeter({
    runtime,
    history,
    signal: scope.signal,
    admit: settings.admit,
    isMet: (id) => isConnected(id) || calls.isCalling(id),
    isInSwarm: (to) => to !== self && mesh.isStanding(to as PeerId),
    hasRoom: () => !scope.isClosed && hasRoom('peer'),
    makeRoom: mesh.makeRoom,
    call: (id, wish) => calls.call(id, { ...wish, isForMesh: true }),
  })
  if (home.trouble) queueMicrotask(() => home.trouble && emit('error', home.trouble))

  const parts = { scope, acquaintances, circuits, calls, doors, signalling, table }
  const goodbye = createGoodbye({ ...parts, calls: calls as Calls<unknown>, clock, home, dialler, peers: () => roster.peers })
  const life: PeerLife<Remote> = createPeerLife({
    ...parts,
    self,
    settings,
    history,
    roster,
    databases,
    links,
    upkeep,
    mesh,
    emit,
  })

  function onDisplaced(): void {
    history.note(self, 'a newer instance proved the same key')
    emit('displaced')
    void goodbye.close()
  }

  void table.ready.then(() => table.view.records.forEach(mesh.onRecord))

  /** For the application: there is room for the peer where anybody can be let go, and the link counts as used from now on. */
  async function reach(target: PeerId, wish: CallWish): Promise<ConnectedPeer<Remote>> {
    if (scope.isClosed) throw closedError()
    const present = await mesh.makeWay(target, wish.signal)
    const peer = present ?? (await calls.call(target, wish))
    peer.use.touch()
    return peer
  }

  const ready = Promise.all([table.ready, signalling.ready]).then(() => undefined)
  ready.catch(() => {}) // told by events too; awaiting it is the user's choice

  return {
    settings,
    keyPair,
    history,
    roster,
    table,
    databases,
    circuits,
    get servers() {
      return signalling.servers
    },
    ready,
    call: (target, signal) => reach(target, { timeoutMs: settings.callTimeoutMs, signal }),
    close: goodbye.close,
    destroy: goodbye.destroy,
  }
}

/** A seed that the user gave is checked before anything is touched. */
function moveIn({ folder, seed, network, runtime }: Settings): Home {
  if (seed !== undefined) createKeyPair({ seed })
  return openHome({ folder, seed, network, runtime })
}
