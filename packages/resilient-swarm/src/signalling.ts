import { type PeerId, Scope, SwarmError } from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import type { LinkGraph, Neighbour, SealedBox, SwarmSignals } from '@resilient-swarm/mesh'
import { type AddedServer, createSignalExchange, type SignalServerStatus } from '@resilient-swarm/signal-exchange'
import { normalizeOrigin } from '@resilient-swarm/signal-exchange/protocol'
import { type History, inWords } from './history.ts'
import { CLOCK_WARNING_MS, READY_TIMEOUT_MS, SERVER_WARNING_MS } from './limits.ts'
import { loadOnce } from './load-once.ts'
import type { Settings } from './options.ts'
import { type OwnExchange, type OwnExchangeOptions, openOwnExchange } from './own-exchange.ts'
import type { ConnectedPeer } from './peer.ts'
import { createSignalRouter, type Offer, type SignalRouter } from './signal-router.ts'
import { believableOffset, chooseOffset, createToldTimes } from './told-time.ts'

export interface SignallingOptions {
  readonly keyPair: KeyPair
  readonly settings: Settings
  readonly history: History
  readonly neighbours: () => readonly ConnectedPeer<unknown>[]
  readonly graph: LinkGraph
  /** The swarm knows it by a record. */
  readonly isKnown: (id: PeerId) => boolean
  readonly onOffer: (offer: Offer) => void
  readonly onError: (error: SwarmError) => void
  readonly onDisplaced: () => void
  /** Our own exchange listens, and others can dial it there. */
  readonly onDoor: (urls: readonly string[]) => void
  /** A client at our own exchange has a signal for somebody who is not there; see `OwnExchangeOptions`. */
  readonly onSought: OwnExchangeOptions['onSought']
}

/** Every way for sealed signals: the servers, the connected peers, and the time that both teach us. */
export interface Signalling {
  readonly router: SignalRouter
  /** What connected peers hand us by the methods `signal` and `signalled`. */
  readonly swarm: {
    take(...asked: Parameters<SwarmSignals['take']>): Promise<string | null>
    hear(...told: Parameters<SwarmSignals['hear']>): void
  }
  /** First registration at any server. */
  readonly ready: Promise<void>
  /** How it stands with each server. */
  readonly servers: readonly SignalServerStatus[]
  /** One of the servers that the user named has registered us. */
  readonly isRegistered: boolean
  /** One of them is just being dialled for the first time. */
  readonly hasHopes: boolean
  /** Where others dial our own exchange. */
  readonly ownDoors: readonly string[]
  /** A server that nobody named, for a while. */
  visit(url: string): AddedServer
  /** Wall clock in ms, corrected by what the servers say, or else the peers, or else a door that is being visited. */
  readonly nowMs: () => number
  observeClock(peer: PeerId, remoteMs: number): void
  /** Which of these are online at our servers; rejects when none of them can say. */
  lookUp(ids: readonly PeerId[]): Promise<ReadonlySet<PeerId>>
  close(): Promise<void>
}

export function createSignalling(options: SignallingOptions): Signalling {
  const { keyPair, settings, neighbours, graph, onError } = options
  const { runtime, network } = settings
  const scope = new Scope()
  const told = createToldTimes()
  let warned = false
  const exchange = createSignalExchange({ urls: settings.signals, keyPair, network, runtime })
  exchange.onDisplaced = options.onDisplaced
  const named: ReadonlySet<string> = new Set(settings.signals.map(normalizeOrigin))
  const namedServers = () => exchange.servers.filter(({ url }) => named.has(url))
  let own: OwnExchange | undefined
  function nowMs(): number {
    const clockMs = runtime.clock.now()
    const { clockOffsetMs: byServers, addedClockOffsetMs: byDoor } = exchange
    return clockMs + chooseOffset({ byServers, byPeers: told.offsetMs, byDoor }, clockMs)
  }

  const isAtOwnDoor = (id: PeerId) => own?.lookup([id]).has(id) ?? false

  /** Whom something can be handed to right now. */
  const connected = () => neighbours().filter(({ state }) => state === 'connected')

  const loadSwarm = loadOnce(async () => {
    const { createSwarmSignals, encodeWay } = await import('@resilient-swarm/mesh')
    const asNeighbour = ({ publicKey, rttMs, rpcSession }: ConnectedPeer<unknown>): Neighbour => ({
      id: publicKey,
      rttMs,
      signal: (signal, { timeoutMs }) =>
        rpcSession.call('signal', [signal.to, signal.id, signal.box, encodeWay(signal)], { timeoutMs }),
      signalled: (copy, proof) => rpcSession.call('signalled', [copy, proof], { reply: 'none' }),
    })
    swarm = createSwarmSignals({
      self: keyPair.peerId,
      runtime,
      graph,
      neighbours: () => connected().map(asNeighbour),
      receive: (box) => router.receive(box),
    })
    return swarm
  })
  let swarm: SwarmSignals | undefined
  loadSwarm().catch((error: unknown) =>
    runtime.log.warn('signals through the swarm wait for their code', { error: String(error) }),
  )
  const router: SignalRouter = createSignalRouter({
    keyPair,
    network,
    runtime,
    nowMs,
    onOffer: options.onOffer,
    get byServers() {
      if (exchange.servers.length === 0 && !own) return undefined
      return (box: SealedBox) => noted(box.to, own && isAtOwnDoor(box.to) ? own.route(box) : exchange.send(box))
    },
    isServed: () => own !== undefined || exchange.servers.some(({ state }) => state === 'registered'),
    isOnlyHere: (id) => !options.isKnown(id) && isAtOwnDoor(id),
    throughSwarm: async (...sent) => noted(sent[0].to, (swarm ?? (await loadSwarm())).carry(...sent)),
  })
  exchange.onSignal = (signal) => void router.receive(signal)

  /** Whoever asks why a peer was not reached is told what became of the signals to it. */
  async function noted(to: PeerId, sending: Promise<void>): Promise<void> {
    try {
      await sending
    } catch (error) {
      if (!(error instanceof SwarmError && error.code === 'ERR_ABORTED')) options.history.note(to, `signal: ${inWords(error)}`)
      throw error
    }
  }

  function warnOfClock(offsetMs: number): void {
    if (warned || Math.abs(offsetMs) < CLOCK_WARNING_MS) return
    warned = true
    const minutes = Math.round(Math.abs(offsetMs) / 60_000)
    onError(
      new SwarmError(`This machine's clock seems to be ${minutes} min off; set it, or records expire wrongly.`, {
        code: 'ERR_CLOCK',
      }),
    )
  }

  async function openDoor(): Promise<void> {
    if (!settings.exchange) return
    const opened = await openOwnExchange({
      exchange: settings.exchange,
      self: keyPair.peerId,
      runtime,
      onSignal: (signal) => router.receive(signal),
      onDisplaced: options.onDisplaced,
      onSought: options.onSought,
    })
    if (scope.isClosed) return opened.close()
    scope.add(() => opened.close())
    own = opened
    options.onDoor(opened.urls)
  }
  const door = openDoor()
  door.catch(onError)

  const ready = new Promise<void>((resolve, reject) => {
    const warning = scope.timer(runtime.clock, SERVER_WARNING_MS, () => onError(noServerError(settings.signals)))
    scope.timer(runtime.clock, READY_TIMEOUT_MS, () => reject(noServerError(settings.signals)))
    scope.add(() => reject(new SwarmError('The swarm was closed.', { code: 'ERR_SWARM_CLOSED' })))
    const here = settings.exchange && door.then(() => void (settings.signals.length === 0 && warning.cancel()))
    here?.then(resolve, () => {}) // told already; the servers may still come
    exchange.ready.then(() => {
      warning.cancel()
      if (exchange.clockOffsetMs !== undefined) warnOfClock(exchange.clockOffsetMs)
      resolve()
    }, reject)
  })
  ready.catch(() => {})

  return {
    router,
    swarm: {
      take: async (...asked) => (swarm ?? (await loadSwarm())).take(...asked),
      hear: (...told) => swarm?.hear(...told),
    },
    ready,
    get servers() {
      return exchange.servers
    },
    get isRegistered() {
      return namedServers().some(({ state }) => state === 'registered')
    },
    get hasHopes() {
      return namedServers().some(({ state, error }) => state === 'connecting' && !error)
    },
    get ownDoors() {
      return own?.urls ?? []
    },
    visit: (url) => exchange.add(url),
    nowMs,
    observeClock(peer, remoteMs) {
      const clockMs = runtime.clock.now()
      const offsetMs = believableOffset(remoteMs - clockMs, clockMs)
      if (offsetMs === undefined) return
      told.add(peer, offsetMs)
      warnOfClock(offsetMs)
    },
    lookUp: (ids) => exchange.lookup(ids, { signal: scope.signal }),
    async close() {
      await Promise.all([scope.close(), exchange.close()])
    },
  }
}

function noServerError(urls: readonly string[]): SwarmError<'ERR_NO_SIGNAL_SERVER'> {
  const message =
    urls.length === 0
      ? 'No signal server is configured: give `signals`, or be called by a connected peer.'
      : `No signal server answered at ${urls.join(', ')}: start one with \`npx @resilient-swarm/signal-server\`; trying goes on.`
  return new SwarmError(message, { code: 'ERR_NO_SIGNAL_SERVER', retryable: true })
}
