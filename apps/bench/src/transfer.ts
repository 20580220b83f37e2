import { createHash } from 'node:crypto'
import type { Peer, Substream } from 'resilient-swarm'
import { MESSAGE_BYTES } from './raw-channel.ts'

export interface Transferred {
  readonly bytes: number
  readonly sha256: string
}

/** A pause between two chunks at the application, and when it was over by the wall clock that all processes share. */
export interface Gap {
  readonly ms: number
  readonly endedMs: number
}

const GAP_MS_MIN = 1 // shorter ones are the ordinary pace

/** Writes at full speed as long as there is more, and resolves when all of it was written. */
export async function sendWhile(peer: Peer, hasMore: (sentBytes: number) => boolean): Promise<Transferred> {
  const stream = await peer.openStream('bench')
  const writer = stream.writable.getWriter()
  const hash = createHash('sha256')
  let bytes = 0
  for (let count = 0; hasMore(bytes); count++) {
    await writer.ready
    const message = new Uint8Array(MESSAGE_BYTES).fill(count) // what is lost, doubled or swapped changes the hash
    hash.update(message)
    void writer.write(message)
    bytes += MESSAGE_BYTES
  }
  await writer.close()
  return { bytes, sha256: hash.digest('hex') }
}

/** Reads to the end. */
export async function receiveAll(stream: Substream): Promise<Transferred & { readonly gaps: readonly Gap[] }> {
  const reader = stream.readable.getReader()
  const hash = createHash('sha256')
  const gaps: Gap[] = []
  let bytes = 0
  let lastMs: number | undefined
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { bytes, sha256: hash.digest('hex'), gaps }
    const nowMs = wallMs()
    if (lastMs !== undefined && nowMs - lastMs >= GAP_MS_MIN) gaps.push({ ms: nowMs - lastMs, endedMs: nowMs })
    lastMs = nowMs
    hash.update(value)
    bytes += value.byteLength
  }
}

/** The same in every process of this machine, with fractions. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now()
}
