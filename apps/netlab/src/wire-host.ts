// Measures a wire without any swarm: started on two hosts, one of which listens.
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { obey, tell } from './answering.ts'

const ECHO_PORT = 7 // RFC 862
const DISCARD_PORT = 9 // RFC 863
const CHUNK_BYTES = 64 * 1024
const PING_BYTES = 64
/** How long the last answers may take. */
const ANSWER_MS = 500

obey({
  async listen({ address }: { address: string }) {
    const echo = createSocket('udp4', (message, { port, address: from }) => echo.send(new Uint8Array(message), port, from))
    const discard = createServer((socket) => socket.on('error', () => {}).resume())
    await new Promise<void>((resolve) => echo.bind(ECHO_PORT, address, resolve))
    await new Promise<void>((resolve) => discard.listen(DISCARD_PORT, address, resolve))
  },

  /** Sends `count` datagrams, one each so many ms; the round trips of those that came back, in the order they came back. */
  roundTrips: ({ address, count, intervalMs }: { address: string; count: number; intervalMs: number }) =>
    new Promise((resolve) => {
      const sentMs: number[] = []
      const trips: { number: number; rttMs: number }[] = []
      const socket = createSocket('udp4', (message) => {
        const number = message.readUInt32BE()
        trips.push({ number, rttMs: performance.now() - (sentMs[number] ?? 0) })
      })
      const timer = setInterval(() => {
        const message = new Uint8Array(PING_BYTES)
        new DataView(message.buffer).setUint32(0, sentMs.push(performance.now()) - 1)
        socket.send(message, ECHO_PORT, address)
        if (sentMs.length < count) return
        clearInterval(timer)
        setTimeout(() => socket.close(() => resolve(trips)), ANSWER_MS)
      }, intervalMs)
    }),

  /** Megabits a second of one TCP connection. */
  speed: ({ address, bytes }: { address: string; bytes: number }) =>
    new Promise((resolve, reject) => {
      const chunk = new Uint8Array(CHUNK_BYTES)
      const socket = connect(DISCARD_PORT, address).once('error', reject)
      const startedMs = performance.now()
      let left = bytes
      const fill = () => {
        while (left > 0) {
          left -= CHUNK_BYTES
          if (!socket.write(chunk)) return void socket.once('drain', fill)
        }
        socket.end()
      }
      fill()
      socket.resume().once('end', () => resolve((bytes * 8) / 1_000 / (performance.now() - startedMs)))
    }),
})
tell('ready')
