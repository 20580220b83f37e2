import type { Peer, Substream } from 'resilient-swarm'
import { MESSAGE_BYTES } from './raw-channel.ts'

/** Writes so many bytes on a substream of its own, as fast as it goes. */
export async function sendBytes(peer: Peer, totalBytes: number): Promise<void> {
  const stream = await peer.openStream('bench')
  const writer = stream.writable.getWriter()
  const message = new Uint8Array(MESSAGE_BYTES) // one for all, as the bare channel's sender does
  for (let sent = 0; sent < totalBytes; sent += MESSAGE_BYTES) {
    await writer.ready
    void writer.write(message)
  }
  await writer.close()
}

/** Resolves with the ms from the first bytes to the last. */
export async function receiveBytes(stream: Substream, totalBytes: number): Promise<number> {
  const reader = stream.readable.getReader()
  let receivedBytes = 0
  let startedMs = 0
  while (receivedBytes < totalBytes) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`the substream ended after ${receivedBytes} bytes`)
    if (receivedBytes === 0) startedMs = performance.now()
    receivedBytes += value.byteLength
  }
  return performance.now() - startedMs
}

/** Round trips in ms, one after another. */
export async function pingTrips({ rpc }: Peer, count: number): Promise<number[]> {
  const tripsMs: number[] = []
  for (let trip = 0; trip < count; trip++) {
    const startedMs = performance.now()
    await rpc.ping()
    tripsMs.push(performance.now() - startedMs)
  }
  return tripsMs
}
