import { type Courier, createCourier } from './courier.ts'
import { createForwarder, type Forwarder, type ForwarderOptions } from './forwarder.ts'
import { createHands } from './hand-over.ts'

export type SwarmSignalsOptions = Omit<ForwarderOptions, 'hands'>

/** Sealed signals through the swarm: our own, others', and ours to receive. */
export interface SwarmSignals extends Pick<Courier, 'carry'>, Forwarder {}

export function createSwarmSignals(options: SwarmSignalsOptions): SwarmSignals {
  const hands = createHands(options.runtime.clock)
  const courier = createCourier({ ...options, hands })
  const forwarder = createForwarder({ ...options, hands })
  return {
    carry: courier.carry,
    take: forwarder.take,
    hear(...told) {
      courier.hear(...told)
      forwarder.hear(...told)
    },
  }
}
