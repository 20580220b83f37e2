import { encodeBase64Url } from '@resilient-swarm/contract'
import { WebSocketServer } from 'ws'
import { encodeFrame, parseClientFrame, type ServerFrame } from '../src/protocol.ts'
import { ANNOUNCED } from './fake-server.ts'

/** A signal server of the fewest lines: believes every login, knows no limit. The real one is apps/signal-server. */
export async function startSmallServer(): Promise<{ url: string; close(): void }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  const online = new Map<string, (frame: ServerFrame) => void>()
  server.on('connection', (socket) => {
    const say = (frame: ServerFrame) => socket.send(encodeFrame(frame))
    say({ type: 'challenge', nonce: encodeBase64Url(new Uint8Array(32)), time: Date.now() })
    socket.on('message', (data) => {
      const frame = parseClientFrame(String(data))
      if (frame?.type === 'register') {
        online.set(frame.key, say)
        say({ type: 'registered', limits: ANNOUNCED })
      }
      if (frame?.type === 'lookup') say({ type: 'online', id: frame.id, keys: frame.keys.filter((key) => online.has(key)) })
      if (frame?.type === 'send') {
        const receiver = online.get(frame.to)
        receiver?.({ type: 'signal', id: frame.id, box: frame.box })
        say(receiver ? { type: 'sent', id: frame.id } : { type: 'failed', id: frame.id, code: 'offline' })
      }
    })
  })
  await new Promise((resolve) => server.on('listening', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `ws://127.0.0.1:${port}`,
    close() {
      for (const socket of server.clients) socket.terminate()
      server.close()
    },
  }
}
