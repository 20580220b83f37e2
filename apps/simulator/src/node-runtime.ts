import type { Runtime } from '@resilient-swarm/contract'
import type { Host, Network } from './network.ts'
import type { SeededRandom } from './seeded-random.ts'

/** When the simulation begins, by the wall clocks of its nodes. */
export const BEGIN_MS = 1_700_000_000_000

/** A node's own door to time and chance; a dead one's timers never fire. */
export function createNodeRuntime({ clock }: Network, host: Host, random: SeededRandom): Runtime {
  return {
    clock: {
      now: () => BEGIN_MS + clock.nowMs,
      monotonic: () => clock.nowMs,
      setTimer: (delayMs, fire) => clock.after(delayMs, () => host.isAlive && fire()),
    },
    random,
    log: { debug() {}, info() {}, warn() {} },
  }
}
