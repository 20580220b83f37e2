import { networkInterfaces } from 'node:os'
import { createSignalServer, type SignalServer, type SignalServerOptions } from '@resilient-swarm/signal-server'

const TOLD_MAX = 3 // as many as a record names

/** A server that listens, and the URLs by which others dial it: the one given, or those of the addresses that it listens at. */
export async function listen(options: SignalServerOptions): Promise<{ server: SignalServer; urls: readonly string[] }> {
  const server = await createSignalServer(options)
  if (options.origins?.length || !isEverywhere(options.host)) return { server, urls: [server.url] }
  const addresses = Object.values(networkInterfaces()).flatMap((ends) => ends ?? [])
  const reached = addresses.filter(({ family, internal }) => family === 'IPv4' && !internal).slice(0, TOLD_MAX)
  const urls = reached.map(({ address }) => `ws://${address}:${server.port}/`)
  return { server, urls: urls.length > 0 ? urls : [server.url] }
}

function isEverywhere(host: string | undefined): boolean {
  return host === '0.0.0.0' || host === '::'
}
