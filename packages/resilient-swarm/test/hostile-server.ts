import type { AddressInfo } from 'node:net'
import { createSignalServer, type SignalServer } from '@resilient-swarm/signal-server'
import { WebSocket, WebSocketServer } from 'ws'

/** A frame on its way to or from a client. */
export type Frame = Record<string, unknown> & { readonly type: string }

/** What mallory does with each frame: returns what goes on instead of it. */
export type Tamper = (frame: Frame, direction: 'to server' | 'to client') => readonly Frame[]

/** A server that mallory runs: a true one behind a proxy that sees and changes every frame. */
export interface HostileServer {
  readonly url: string
  tamper: Tamper
  /** Every sealed signal that passed, as it was sent. */
  readonly boxes: readonly Frame[]
  /** Pushes a frame to every connected client. */
  inject(frame: Frame): void
  close(): Promise<void>
}

export async function createHostileServer(): Promise<HostileServer> {
  const proxy = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  await new Promise<void>((resolve) => proxy.once('listening', resolve))
  const url = `ws://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const server: SignalServer = await createSignalServer({ host: '127.0.0.1', port: 0, origins: [url] })
  const boxes: Frame[] = []
  const clients = new Set<WebSocket>()
  const hostile: HostileServer = {
    url,
    tamper: (frame) => [frame],
    boxes,
    inject(frame) {
      for (const client of clients) client.send(JSON.stringify(frame))
    },
    async close() {
      for (const client of clients) client.terminate()
      await new Promise<void>((resolve) => proxy.close(() => resolve()))
      await server.close()
    },
  }
  proxy.on('connection', (client) => {
    clients.add(client)
    const upstream = new WebSocket(`ws://127.0.0.1:${server.port}`, { perMessageDeflate: false })
    const early: string[] = []
    const toServer = (text: string) => (upstream.readyState === WebSocket.OPEN ? upstream.send(text) : early.push(text))
    upstream.on('open', () => {
      for (const text of early.splice(0)) upstream.send(text)
    })
    client.on('message', (data) => {
      for (const frame of hostile.tamper(JSON.parse(String(data)), 'to server')) {
        if (frame.type === 'send') boxes.push(frame)
        toServer(JSON.stringify(frame))
      }
    })
    upstream.on('message', (data) => {
      for (const frame of hostile.tamper(JSON.parse(String(data)), 'to client')) client.send(JSON.stringify(frame))
    })
    client.on('close', () => {
      clients.delete(client)
      upstream.terminate()
    })
    for (const socket of [client, upstream]) socket.on('error', () => {})
    upstream.on('close', () => client.close())
  })
  return hostile
}
