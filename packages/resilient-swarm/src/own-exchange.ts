import { type PeerId, type Runtime, SwarmError } from '@resilient-swarm/contract'
import type { SignalRoute } from '@resilient-swarm/mesh'
import type { ExchangeOptions } from './options.ts'

export interface OwnExchangeOptions {
  readonly exchange: Required<Pick<ExchangeOptions, 'port' | 'host'>> & ExchangeOptions
  readonly self: PeerId
  readonly runtime: Runtime
  readonly onSignal: (signal: { readonly id: string; readonly box: Uint8Array }) => void
  readonly onDisplaced: () => void
  /** A client there, whose key is proven, has a signal for somebody who is not; `to` is any text of a key's shape. */
  readonly onSought: (sought: { readonly from: PeerId; readonly to: string }) => void
}

/** A signal exchange in this process, at which others find this node and each other: a door of the swarm. */
export interface OwnExchange {
  /** Where others dial it. */
  readonly urls: readonly string[]
  readonly route: SignalRoute
  lookup(ids: readonly PeerId[]): ReadonlySet<PeerId>
  close(): Promise<void>
}

/** Listens; rejects with `ERR_SIGNAL_SERVER_LISTEN` when it cannot. The server is loaded here, not before. */
export async function openOwnExchange({
  exchange,
  self,
  runtime,
  onSignal,
  onDisplaced,
  onSought,
}: OwnExchangeOptions): Promise<OwnExchange> {
  const { listen } = await import('#signal-server')
  const { port, host, url } = exchange
  const { server, urls } = await listen({ port, host, origins: url === undefined ? [] : [url], health: false, runtime })
  const member = server.join({ peerId: self, onSignal, onDisplaced, onSought })
  return {
    urls,
    async route({ to, id, box }) {
      const outcome = member.send({ to, id, box })
      if (outcome !== 'sent') throw notSentError(outcome)
    },
    lookup: (ids) => member.lookup(ids),
    async close() {
      member.leave()
      await server.close()
    },
  }
}

function notSentError(outcome: string): SwarmError<'ERR_SIGNAL_OFFLINE'> {
  return new SwarmError(`The peer is not at our own exchange, or it takes no more for now (${outcome}).`, {
    code: 'ERR_SIGNAL_OFFLINE',
    retryable: true,
  })
}
