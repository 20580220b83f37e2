import { fileURLToPath } from 'node:url'
import type { Host } from './lab.ts'
import { startTalker } from './talker.ts'

/** One datagram that came back. */
export interface WireTrip {
  readonly number: number
  readonly rttMs: number
}

/** The wire between two hosts, measured from the first one. */
export interface Wire {
  roundTrips(options: { count: number; intervalMs: number }): Promise<readonly WireTrip[]>
  megabitsPerSecond(bytes: number): Promise<number>
}

const program = fileURLToPath(new URL('./wire-host.js', import.meta.url))
const START_TIMEOUT_MS = 10_000

export async function openWire(from: Host, to: Host): Promise<Wire> {
  const [asker, listener] = await Promise.all(
    [from, to].map(async ({ name, namespace }) => {
      const talker = startTalker(namespace.inside([process.execPath, program]), `wire ${name}`)
      await talker.next('ready', { timeoutMs: START_TIMEOUT_MS })
      return talker
    }),
  )
  const { address } = to
  await listener?.ask('listen', { address })
  return {
    roundTrips: async (options) => (await asker?.ask('roundTrips', { address, ...options })) as readonly WireTrip[],
    megabitsPerSecond: async (bytes) => (await asker?.ask('speed', { address, bytes })) as number,
  }
}
