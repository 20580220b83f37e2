import { createKeyedRate, type PeerId, type Runtime, Scope, type Substream, SwarmError } from '@resilient-swarm/contract'
import type { Circuit, Relay, RelayCandidate, RelayCounters } from '@resilient-swarm/relay'
import type { SessionPath } from '@resilient-swarm/session'
import { byRelay, type HandshakePlaces } from './handshake-places.ts'
import { type History, inWords } from './history.ts'
import { INCOMING_BURST, INCOMING_PER_SECOND, RELAYS_GUESSED_MAX, RELAYS_RATED_MAX } from './limits.ts'
import type { Settings } from './options.ts'
import { OWN_TYPES } from './own-types.ts'
import type { ConnectedPeer } from './peer.ts'
import type { Reception } from './reception.ts'

export interface CircuitsOptions {
  readonly self: PeerId
  readonly settings: Settings
  readonly history: History
  readonly places: HandshakePlaces
  readonly reception: Reception
  readonly peers: () => readonly ConnectedPeer<unknown>[]
  readonly find: (id: PeerId) => ConnectedPeer<unknown> | undefined
  /** What a node's record says of its links, and whether it serves as a relay. */
  readonly recordOf: (id: PeerId) => RecordedNode | undefined
  readonly hasRoom: () => boolean
  /** The relay of this path to the peer announced that it leaves. */
  readonly onLeaving: (id: PeerId, path: SessionPath) => void
}

export interface RecordedNode {
  readonly relay: boolean
  readonly links: readonly { readonly key: PeerId; readonly rttMs: number }[]
}

/** A relay to a target, and what is known of it. */
export type RelayChoice = RelayCandidate & { readonly isWorthTrying: boolean }

/** Circuits as the swarm uses them: ours through others, others' through us. The relay's code is loaded when there is one. */
export interface Circuits {
  /** Who may relay to this target, best first. `directRttMs`: of the direct path that it would stand beside. */
  relaysTo(target: PeerId, directRttMs?: number): readonly RelayChoice[]
  /** A circuit to the target; resolves when its key is proven and its session has taken the path. */
  dial(options: { relay: PeerId; target: PeerId; signal: AbortSignal }): Promise<SessionPath>
  /** A circuit that we dialled, so that it is ours to let go. */
  isOurs(path: SessionPath): boolean
  /** Serves the `relay` substream that a peer opened: it dials through us, or somebody was relayed to us. */
  accept(peer: ConnectedPeer<unknown>, substream: Substream): void
  /** The peer left, or what is sent to it now goes through somebody else: it is no leg any more. */
  dropPeer(id: PeerId): void
  readonly counters: RelayCounters
  /** Tells those whom we relay to look for another way. */
  drain(graceMs: number): Promise<void>
  close(): Promise<void>
}

const NO_COUNTERS: RelayCounters = Object.freeze({
  circuits: 0,
  circuitsByPeer: 0,
  heldBytes: 0,
  ownCircuits: 0,
  accepted: 0,
  refused: 0,
  bytesForwarded: 0,
})

const INCOMING_RATE = { perSecond: INCOMING_PER_SECOND, burst: INCOMING_BURST }

type RelayModule = typeof import('@resilient-swarm/relay')

export function createCircuits(options: CircuitsOptions): Circuits {
  const { self, settings, history, places, reception, peers, find, recordOf } = options
  const { runtime } = settings
  const scope = new Scope()
  const ours = new WeakSet<SessionPath>()
  const incoming = createKeyedRate<PeerId>({ rate: INCOMING_RATE, keysMax: RELAYS_RATED_MAX })
  let module: RelayModule | undefined
  let relay: Relay | undefined
  let loading: Promise<Relay> | undefined

  function load(): Promise<Relay> {
    loading ??= import('@resilient-swarm/relay').then((loaded) => {
      module = loaded
      relay = startRelay(loaded)
      if (scope.isClosed) void relay.close()
      return relay
    })
    return loading
  }

  function startRelay({ createRelay }: RelayModule): Relay {
    const { serve, allow, ...limits } = settings.relay
    return createRelay({
      self,
      runtime,
      serve,
      limits,
      ...(allow === undefined ? {} : { allow: (from, to) => isAllowed(allow, from, to) }),
      openSubstream: (id) => openRelaySubstream(find(id), runtime),
      isDirect: (id) => find(id)?.isDirect ?? false,
      judgeIncoming(from, via) {
        if (scope.isClosed || !withinRate(via) || places.room(byRelay(via)) !== 'free') return 'busy'
        return find(from) || options.hasRoom() ? 'accept' : 'busy'
      },
      onCircuit: ({ from, circuit }) => void receive(from, circuit),
    })
  }

  /** An `allow` that fails is a no, as with `admit`, and so is anything but true: a promise, say. */
  function isAllowed(allow: (from: PeerId, to: PeerId) => unknown, ...[from, to]: [PeerId, PeerId]): boolean {
    try {
      return allow(from, to) === true
    } catch (error) {
      runtime.log.warn('relay.allow failed, so the circuit was refused', { error: String(error) })
      return false
    }
  }

  /** Each circuit may cost us a handshake, and a relay may make up as many diallers as it likes. */
  const withinRate = (via: PeerId) => incoming.take(via, runtime.clock.monotonic())

  async function receive(from: PeerId, circuit: Circuit): Promise<void> {
    const leave = places.take(byRelay(circuit.via))
    const arrival = scope.child()
    try {
      const path = await reception.welcome({ path: circuit, from, signal: arrival.signal })
      circuit.onLeaving = () => options.onLeaving(from, path)
    } catch (error) {
      history.note(from, `their circuit through ${circuit.via}: ${inWords(error)}`)
    } finally {
      void arrival.close()
      leave()
    }
  }

  return {
    relaysTo(target, directRttMs) {
      const neighbours = peers().map((peer) => ({
        id: peer.publicKey,
        rttMs: peer.rttMs,
        isDirect: peer.isDirect,
        serves: recordOf(peer.publicKey)?.relay ?? false,
      }))
      const serving = neighbours.filter(({ id, isDirect, serves }) => serves && isDirect && id !== target)
      if (serving.length === 0) return []
      if (!module) {
        void load().catch((error: unknown) => runtime.log.warn('the relay could not be loaded', { error: String(error) }))
        return []
      }
      const { chooseRelays, isWorthTrying } = module
      const known = chooseRelays({ self, target, neighbours, linksOf: (id) => recordOf(id)?.links })
      const guessed = serving.filter(({ id }) => !known.some(({ relay: one }) => one === id)).slice(0, RELAYS_GUESSED_MAX)
      return [...known, ...guessed.map(({ id }) => ({ relay: id, predictedRttMs: undefined }))].map((candidate) => ({
        ...candidate,
        isWorthTrying: isWorthTrying({ directRttMs, predictedRttMs: candidate.predictedRttMs }),
      }))
    },
    async dial({ relay: via, target, signal }) {
      try {
        const either = AbortSignal.any([signal, scope.signal])
        const circuit = await (await load()).dial({ relay: via, target, signal: either })
        const path = await reception.join({ path: circuit, target, signal: either })
        ours.add(path)
        circuit.onLeaving = () => options.onLeaving(target, path)
        history.note(target, `circuit through ${via}: connected`)
        return path
      } catch (error) {
        history.note(target, `circuit through ${via}: ${inWords(error)}`)
        throw error
      }
    },
    isOurs: (path) => ours.has(path),
    accept(peer, substream) {
      load().then(
        (loaded) => loaded.receive(peer.publicKey, substream),
        () => substream.reset(),
      )
    },
    dropPeer: (id) => relay?.dropPeer(id),
    get counters() {
      return relay?.counters ?? NO_COUNTERS
    },
    async drain(graceMs) {
      await relay?.drain(graceMs)
    },
    async close() {
      await scope.close()
      await relay?.close()
    },
  }
}

function openRelaySubstream(peer: ConnectedPeer<unknown> | undefined, runtime: Runtime): Substream | undefined {
  if (peer?.state !== 'connected') return undefined
  try {
    return peer.multiplexer.openSubstream(OWN_TYPES.relay)
  } catch (error) {
    if (!(error instanceof SwarmError)) throw error
    runtime.log.debug('no relay substream could be opened', { peer: peer.publicKey, error: error.message })
    return undefined
  }
}
