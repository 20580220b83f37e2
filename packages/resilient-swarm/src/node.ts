import { type CloseReason, type Path, type PeerId, Scope, type Substream, SwarmError } from '@resilient-swarm/contract'
import { createKeyPair, type KeyPair } from '@resilient-swarm/identity'
import { NodeBuffers } from '@resilient-swarm/multiplexer'
import type { Methods } from '@resilient-swarm/rpc'
import type { SignalServerStatus } from '@resilient-swarm/signal-exchange'
import { createAnswerer, judgeOffer } from './answer.ts'
import { dialUntilConnected } from './call.ts'
import { type Calls, createCalls } from './calls.ts'
import { connectPeer } from './connect-peer.ts'
import type { LeaveReason, SwarmEvents } from './events.ts'
import { createForwarder } from './forwarding.ts'
import { createHistory, type History } from './history.ts'
import { CLOSE_TIMEOUT_MS } from './limits.ts'
import { isOwnType, LINK_CODES, OWN_TYPES } from './link.ts'
import { createListener } from './listener.ts'
import { isLarger } from './mesh.ts'
import { createMeshKeeper, type MeshKeeper } from './mesh-keeper.ts'
import type { Settings } from './options.ts'
import type { ConnectedPeer } from './peer.ts'
import { createRoster, type Roster } from './roster.ts'
import { createSignalling, type Signalling } from './signalling.ts'
import { createTableLink, type TableLink } from './table-link.ts'

type Emit<Remote> = <Name extends keyof SwarmEvents<Remote>>(event: Name, ...facts: SwarmEvents<Remote>[Name]) => boolean

export interface NodeOptions<Remote> {
  readonly settings: Settings
  readonly emit: Emit<Remote>
}

/** All parts of one running swarm, put together: what `Swarm` shows to its user. */
export interface Node<Remote> {
  readonly keyPair: KeyPair
  readonly history: History
  readonly roster: Roster<Remote>
  readonly table: TableLink
  readonly servers: readonly SignalServerStatus[]
  readonly ready: Promise<void>
  call(target: PeerId, signal: AbortSignal | undefined): Promise<ConnectedPeer<Remote>>
  close(): Promise<void>
  destroy(): void
}

export function createNode<Remote>({ settings, emit }: NodeOptions<Remote>): Node<Remote> {
  const { runtime } = settings
  const keyPair = createKeyPair(settings.seed === undefined ? {} : { seed: settings.seed })
  const self = keyPair.peerId
  const scope = new Scope()
  const nodeBuffers = new NodeBuffers()
  const history = createHistory(runtime.clock)
  const roster: Roster<Remote> = createRoster({ runtime, onPeer, onLeft })
  const signalling: Signalling = createSignalling({
    keyPair,
    settings,
    neighbours: () => roster.peers,
    linksOf: (id) => table.table?.get(id)?.links.map(({ key }) => key) ?? [],
    onOffer: (offer) => answerOffer(offer),
    onError: (error) => emit('error', error),
    onDisplaced,
  })
  const table: TableLink = createTableLink({
    keyPair,
    settings,
    nowMs: signalling.nowMs,
    onRecord(record) {
      emit('record', record)
      mesh.nudge()
    },
    onError: (error) => emit('error', error),
  })
  const calls: Calls<Remote> = createCalls({
    runtime,
    history,
    onPeer: (peer) => admitPeer(peer),
    dial: (target, signal, onDialing) =>
      dialUntilConnected({
        target,
        transports: settings.transports,
        router: signalling.router,
        runtime,
        history,
        signal,
        onDialing,
        connect: (path, attemptSignal) => connect(path, 'initiator', target, attemptSignal),
      }),
  })
  const listener = createListener({ transports: settings.transports, runtime, scope })
  const answerOffer = createAnswerer<Remote>({
    runtime,
    history,
    signal: scope.signal,
    admit: settings.admit,
    judge(from, pending) {
      const verdict = judgeOffer({
        weAreDialing: calls.isDialing(from),
        weAreLarger: isLarger(self, from),
        isConnected: roster.get(from) !== undefined,
        ...pending,
        peers: roster.peers.length,
        peersMax: settings.peersMax,
      })
      if (verdict === 'answer') calls.yieldTo(from)
      return verdict
    },
    answer: listener.answer,
    connect: (path, from, signal) => connect(path, 'responder', from, signal),
    onPeer: (peer) => admitPeer(peer),
  })
  const mesh: MeshKeeper = createMeshKeeper({
    self,
    clock: runtime.clock,
    scope,
    peersMax: settings.peersMax,
    known: () => table.view.records.filter(({ left }) => !left).map(({ id }) => id),
    isConnected: (id) => roster.get(id) !== undefined,
    isCalling: calls.isCalling,
    connected: () => roster.peers.length,
    calling: () => calls.size,
    call: (id, timeoutMs) => calls.call(id, { timeoutMs }),
  })

  function connect(path: Path, role: 'initiator' | 'responder', id: PeerId, signal: AbortSignal) {
    return connectPeer<Remote>({ path, role, id, keyPair, settings, signal, nodeBuffers, builtIn, onSubstream })
  }

  function builtIn(peer: ConnectedPeer<Remote>): Methods {
    const forward = createForwarder({
      self,
      runtime,
      find: (id) => (id === peer.publicKey ? undefined : signalling.neighbour(id)),
      receive: (box) => signalling.router.receive(box),
    })
    return { ping: () => runtime.clock.now(), signal: forward as Methods[string] }
  }

  function onSubstream(peer: ConnectedPeer<Remote>, substream: Substream): void {
    if (substream.type === OWN_TYPES.table) {
      table.accept(peer, substream)
      return
    }
    if (isOwnType(substream.type)) {
      substream.reset() // a second `dnode`, or what this version does not serve: never the application's
      return
    }
    const heard = peer.emitStream(substream)
    if (!emit('stream', substream, peer) && !heard) substream.reset()
  }

  function admitPeer(peer: ConnectedPeer<Remote>): void {
    // Judged when the offer came, and again now: others may have connected meanwhile.
    const isFull = !roster.get(peer.publicKey) && roster.peers.length >= settings.peersMax
    if (scope.isClosed) peer.link.multiplexer.close()
    else if (isFull && peer.link.role === 'responder') peer.link.secure.close({ by: 'us', code: LINK_CODES.full })
    else roster.add(peer)
  }

  function onPeer(peer: ConnectedPeer<Remote>): void {
    calls.settle(peer)
    signalling.observeClock(peer.link.secure.remoteTimeMs)
    // The table begins a turn later: opening a replication takes longer than the rest of a connection.
    peer.scope.timer(runtime.clock, 0, () => {
      if (peer.link.role === 'initiator') table.keepReplicating(peer)
      table.publishLinks(roster.peers)
    })
    emit('peer', peer)
  }

  function onLeft(peer: ConnectedPeer<Remote>, reason: LeaveReason, end: CloseReason): void {
    history.note(peer.publicKey, `${reason}${end.error ? `: ${end.error.message}` : ''}`)
    table.publishLinks(roster.peers)
    emit('peer-left', peer, reason, end.error)
    mesh.nudge()
  }

  function onDisplaced(): void {
    history.note(self, 'a newer instance proved the same key')
    emit('displaced')
    void close()
  }

  const ready = Promise.all([table.ready, signalling.ready]).then(() => undefined)
  ready.catch(() => {}) // told by events too; awaiting it is the user's choice

  let closing: Promise<void> | undefined
  function close(): Promise<void> {
    closing ??= sayGoodbye().finally(destroy)
    return closing
  }

  async function sayGoodbye(): Promise<void> {
    const ended = scope.close()
    calls.close(closedError())
    let timer: { cancel(): void } | undefined
    const late = new Promise<void>((resolve) => {
      timer = runtime.clock.setTimer(CLOSE_TIMEOUT_MS, resolve)
    })
    const peers = roster.peers
    const goodbye = table.close().then(async () => {
      for (const peer of peers) peer.link.secure.close({ by: 'us', code: LINK_CODES.finished })
      await Promise.all([...peers.map((peer) => peer.link.secure.closed), signalling.close(), ended])
    })
    await Promise.race([goodbye.catch(() => {}), late])
    timer?.cancel()
  }

  function destroy(): void {
    closing ??= Promise.resolve()
    void scope.close()
    calls.close(closedError())
    for (const peer of roster.peers) peer.link.multiplexer.abort(closedError())
    table.destroy()
    void signalling.close()
  }

  return {
    keyPair,
    history,
    roster,
    table,
    get servers() {
      return signalling.servers
    },
    ready,
    async call(target, signal) {
      if (scope.isClosed) throw closedError()
      return roster.get(target) ?? calls.call(target, { timeoutMs: settings.callTimeoutMs, signal })
    },
    close,
    destroy,
  }
}

function closedError(): SwarmError<'ERR_SWARM_CLOSED'> {
  return new SwarmError('The swarm was closed.', { code: 'ERR_SWARM_CLOSED' })
}
