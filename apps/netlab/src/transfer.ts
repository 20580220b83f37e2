import { createHash } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Substream } from 'resilient-swarm'
import { createSeededBytes } from './seeded-bytes.ts'

/** The substream type of a transfer: bytes one way, then the end. */
export const TRANSFER_TYPE = 'netlab-transfer'

const CHUNK_BYTES = 16 * 1024
const LATENESS_RESOLUTION_MS = 5
const PROGRESS_BYTES = 1024 * 1024

export interface Sent {
  readonly sha256: string
  readonly tookMs: number
  /** The most by which this process was kept waiting by its machine: gaps up to it say nothing about the network. */
  readonly lateMs: number
}

export interface Received extends Sent {
  readonly bytes: number
  /** The longest time between two arrivals, and how much was there by then. */
  readonly longestGapMs: number
  readonly longestGapAtBytes: number
}

/** Sends seeded bytes as fast as they are taken, or at a pace. Rejects when the substream is lost. */
export async function sendTransfer(
  { writable }: Substream,
  { bytes, seed, bytesPerSecond }: { bytes: number; seed: number; bytesPerSecond?: number | undefined },
): Promise<Sent> {
  const writer = writable.getWriter()
  writer.closed.catch(() => {}) // the write that fails tells
  const next = createSeededBytes(seed)
  const hash = createHash('sha256')
  const lateness = watchLateness()
  const startedMs = performance.now()
  for (let sent = 0; sent < bytes; ) {
    const chunk = next(Math.min(CHUNK_BYTES, bytes - sent))
    sent += chunk.byteLength
    hash.update(chunk) // before the stream takes the buffer over
    await writer.write(chunk)
    const aheadMs = bytesPerSecond ? (sent * 1_000) / bytesPerSecond - (performance.now() - startedMs) : 0
    if (aheadMs > 1) await new Promise((resolve) => setTimeout(resolve, aheadMs))
  }
  await writer.close()
  return { sha256: hash.digest('hex'), tookMs: performance.now() - startedMs, lateMs: lateness.stop() }
}

/** Reads to the end, and says now and then how far it is. Rejects when the substream is lost. */
export async function receiveTransfer({ readable }: Substream, onProgress: (bytes: number) => void): Promise<Received> {
  const hash = createHash('sha256')
  const lateness = watchLateness()
  const startedMs = performance.now()
  let [bytes, heardMs, longestGapMs, longestGapAtBytes] = [0, startedMs, 0, 0]
  for await (const chunk of readable as unknown as AsyncIterable<Uint8Array>) {
    const nowMs = performance.now()
    if (bytes > 0 && nowMs - heardMs > longestGapMs) {
      longestGapMs = nowMs - heardMs
      longestGapAtBytes = bytes
    }
    heardMs = nowMs
    hash.update(chunk)
    const before = bytes
    bytes += chunk.byteLength
    if (Math.floor(before / PROGRESS_BYTES) < Math.floor(bytes / PROGRESS_BYTES)) onProgress(bytes)
  }
  const tookMs = performance.now() - startedMs
  return { bytes, sha256: hash.digest('hex'), tookMs, lateMs: lateness.stop(), longestGapMs, longestGapAtBytes }
}

function watchLateness(): { stop(): number } {
  const delay = monitorEventLoopDelay({ resolution: LATENESS_RESOLUTION_MS })
  delay.enable()
  return {
    stop() {
      delay.disable()
      return Math.max(0, delay.max / 1e6 - LATENESS_RESOLUTION_MS)
    },
  }
}
