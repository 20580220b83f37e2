import {
  type Bucket,
  type Channel,
  fullBucket,
  type PeerId,
  Scope,
  type Substream,
  SwarmError,
  takeToken,
} from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import { toChannel } from '@resilient-swarm/multiplexer'
import type { PeerLink, PeerRecord, PeerTable, RecordChange } from '@resilient-swarm/peer-table'
import { LINKS_TOLD_MAX, REPLICATION_RETRY_MS, REPLICATIONS_BURST, REPLICATIONS_PER_SECOND } from './limits.ts'
import type { Settings } from './options.ts'
import { OWN_TYPES } from './own-types.ts'
import type { ConnectedPeer } from './peer.ts'

export interface TableLinkOptions {
  readonly keyPair: KeyPair
  readonly settings: Settings
  /** Where the table lasts, if in a folder. */
  readonly folder: string | undefined
  readonly nowMs: () => number
  readonly onRecord: (record: PeerRecord) => void
  readonly onError: (error: SwarmError) => void
}

/** What is known of every node of the swarm. Empty until the table is open. */
export interface TableView {
  /** Every record that has not expired: our own, and with `left` those who said goodbye. */
  readonly records: readonly PeerRecord[]
  get(id: PeerId): PeerRecord | undefined
}

/** The peer table as the swarm uses it: loaded when needed (PouchDB is the largest part), replicated with every peer. */
export interface TableLink {
  readonly ready: Promise<PeerTable | undefined>
  readonly table: PeerTable | undefined
  readonly view: TableView
  /** Opens the `db` substream to a peer, again whenever it ends while the peer stays. */
  keepReplicating(peer: ConnectedPeer<unknown>): void
  /** Serves the `db` substream that a peer opened; only who leads opens one, and not too often. */
  accept(peer: ConnectedPeer<unknown>, substream: Substream): void
  /** Tells the swarm whom we are connected to directly, and whether we relay. */
  publishLinks(peers: readonly ConnectedPeer<unknown>[]): void
  /** Tells the swarm where this node can be signalled. */
  publishServers(urls: readonly string[]): void
  close(): Promise<void>
  destroy(): void
  /** Its database is closed, after `close` or `destroy`. */
  ended(): Promise<void>
}

export function createTableLink({ keyPair, settings, folder, nowMs, onRecord, onError }: TableLinkOptions): TableLink {
  const { runtime, network } = settings
  const scope = new Scope()
  let table: PeerTable | undefined
  const served = new Map<PeerId, { close(): void | Promise<void> }>()

  const ready = open()

  async function open(): Promise<PeerTable | undefined> {
    try {
      const { createPeerTable } = await import('@resilient-swarm/peer-table')
      if (scope.isClosed) return undefined
      const opened = await createPeerTable({
        keyPair,
        network,
        runtime,
        nowMs,
        onError,
        ...(folder === undefined ? {} : { folder }),
      })
      if (scope.isClosed) {
        opened.destroy()
        await opened.close() // which waits for its end
        return undefined
      }
      opened.onRecord = (record) => onRecord(record)
      table = opened
      return opened
    } catch (cause) {
      onError(
        new SwarmError('The peer table could not be opened; this node only knows whom it calls.', { code: 'ERR_TABLE', cause }),
      )
      return undefined
    }
  }

  async function tell(change: RecordChange): Promise<void> {
    try {
      await table?.publish(change)
    } catch (cause) {
      onError(new SwarmError('The own record could not be published.', { code: 'ERR_TABLE', cause, retryable: true }))
    }
  }

  const rate = { perSecond: REPLICATIONS_PER_SECOND, burst: REPLICATIONS_BURST }
  const begun = new WeakMap<ConnectedPeer<unknown>, Bucket>()

  function withinRate(peer: ConnectedPeer<unknown>): boolean {
    const nowMs = runtime.clock.monotonic()
    const { allowed, bucket } = takeToken(begun.get(peer) ?? fullBucket(rate, nowMs), rate, nowMs)
    begun.set(peer, bucket)
    return allowed
  }

  async function replicate(peer: ConnectedPeer<unknown>, channel: Channel): Promise<void> {
    const opened = await ready
    if (!opened || peer.scope.isClosed || scope.isClosed)
      return channel.abort(new SwarmError('There is no table to replicate.', { code: 'ERR_TABLE' }))
    await served.get(peer.publicKey)?.close()
    const replication = opened.replicate({ channel, peer: peer.publicKey })
    served.set(peer.publicKey, replication)
    const forget = peer.scope.add(() => replication.close())
    await replication.closed
    forget()
    if (served.get(peer.publicKey) === replication) served.delete(peer.publicKey)
  }

  return {
    ready,
    get table() {
      return table
    },
    view: {
      get records() {
        return table?.records ?? []
      },
      get: (id) => table?.get(id),
    },
    keepReplicating(peer) {
      const start = async () => {
        if (peer.scope.isClosed || scope.isClosed) return
        await replicate(peer, toChannel(peer.multiplexer.openSubstream(OWN_TYPES.table)))
        if (!peer.scope.isClosed && !scope.isClosed)
          peer.scope.timer(runtime.clock, REPLICATION_RETRY_MS, () => void start().catch(() => {}))
      }
      void start().catch((error: unknown) => runtime.log.debug('replication did not start', { error: String(error) }))
    },
    accept(peer, substream) {
      if (peer.leads || !withinRate(peer)) {
        substream.reset()
        return
      }
      void replicate(peer, toChannel(substream)).catch((error: unknown) => {
        runtime.log.debug('replication did not start', { error: String(error) })
      })
    },
    publishLinks(peers) {
      if (scope.isClosed) return
      const links = peers.slice(0, LINKS_TOLD_MAX).map(linkTo)
      void tell({ links, relay: settings.relay.serve })
    },
    publishServers(urls) {
      void ready.then(() => (scope.isClosed ? undefined : tell({ servers: urls })))
    },
    async close() {
      await scope.close()
      await (await ready)?.close()
    },
    destroy() {
      void scope.close()
      table?.destroy()
    },
    async ended() {
      await (await ready)?.close()
    },
  }
}

/** Zero stands for a round trip that was not measured yet, so a measured one is at least a tenth of a millisecond. */
function linkTo({ publicKey, rttMs }: ConnectedPeer<unknown>): PeerLink {
  return { key: publicKey, rttMs: rttMs === undefined ? 0 : Math.max(0.1, rttMs) }
}
