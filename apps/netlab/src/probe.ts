import type { Substream } from 'resilient-swarm'

/** The substream type of a probe: what comes goes back. */
export const ECHO_TYPE = 'netlab-echo'

/** One round trip as an application sees it: through session, credit and cipher. */
export interface RoundTrip {
  /** When its answer came, on the wall clock that the whole lab shares. */
  readonly atMs: number
  readonly rttMs: number
}

export interface Probe {
  /** Those since the last call. */
  take(): readonly RoundTrip[]
  stop(): void
}

const PING_BYTES = 8
/** Without answers, as long as a dead path takes to be given up, the rest is not sent. */
const UNANSWERED_MAX = 4_096

export function echo({ readable, writable }: Substream): void {
  readable.pipeTo(writable).catch(() => {}) // it ends with the prober
}

/** Sends a small message each so many ms, answered or not, and notes each answer. */
export function startProbe({ readable, writable }: Substream, intervalMs: number): Probe {
  const writer = writable.getWriter()
  const sentMs: number[] = []
  let trips: RoundTrip[] = []
  const stop = () => clearInterval(timer)
  const timer = setInterval(() => {
    if (sentMs.length >= UNANSWERED_MAX) return
    sentMs.push(performance.now())
    writer.write(new Uint8Array(PING_BYTES)).catch(stop)
  }, intervalMs)
  writer.closed.catch(stop)
  void listen().catch(stop)

  async function listen(): Promise<void> {
    let bytes = 0
    for await (const chunk of readable as unknown as AsyncIterable<Uint8Array>) {
      for (bytes += chunk.byteLength; bytes >= PING_BYTES; bytes -= PING_BYTES) {
        trips.push({ atMs: Date.now(), rttMs: performance.now() - (sentMs.shift() ?? 0) })
      }
    }
  }

  return {
    take() {
      const taken = trips
      trips = []
      return taken
    },
    stop() {
      stop()
      writer.close().catch(() => {})
    },
  }
}
