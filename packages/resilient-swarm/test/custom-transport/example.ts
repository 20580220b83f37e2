import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type PeerId, Swarm, webrtc } from 'resilient-swarm'
import { wsTransport } from './ws-transport.ts'

const server = createServer((_request, response) => response.writeHead(426).end()).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

const urls = new Map<PeerId, string>() // your directory, configuration, mDNS …
const bob = new Swarm({
  signals: [],
  transports: [wsTransport({ server }), webrtc()],
  methods: () => ({ double: (n: number) => n * 2 }),
})
urls.set(bob.publicKey, `ws://127.0.0.1:${port}`)

const alice = new Swarm<{ double(n: number): Promise<number> }>({
  signals: [],
  transports: [wsTransport({ urlOf: (peer) => urls.get(peer) }), webrtc()],
})
const peer = await alice.call(bob.publicKey)

export const kind = peer.path.kind // 'ws'
export const answer = await peer.rpc.double(21) // 42

await Promise.all([alice.close(), bob.close()])
server.close()
