import { normalizeOrigin } from '@resilient-swarm/signal-exchange/protocol'

/** Where a connection ended on this machine. */
export interface LocalEnd {
  readonly address: string
  readonly port: number
}

/**
 * Whether a login made for `origin` was made for this server. With names given by the operator, only those count. Without,
 * it is the address at which this very connection arrived: never a Host header, which says what a captured login's thief
 * wants it to say.
 */
export function isOwnOrigin({ origin, named, local }: { origin: string; named: readonly string[]; local: LocalEnd }): boolean {
  return (named.length > 0 ? named : originsAt(local)).includes(origin)
}

/** The URLs of a server that has no name: its address, and for loopback `localhost` too. */
export function originsAt({ address, port }: LocalEnd): readonly string[] {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
  const isLoopback = plain === '::1' || /^127\./.test(plain)
  const hosts = [plain.includes(':') ? `[${plain.split('%', 1)[0]}]` : plain, ...(isLoopback ? ['localhost'] : [])]
  return hosts.map((host) => normalizeOrigin(`ws://${host}:${port}`))
}
