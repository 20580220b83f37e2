import { SwarmError } from '@resilient-swarm/contract'
import { isPeerId } from '@resilient-swarm/identity'
import { HOP_NAME_CHARS, SIGNAL_ROUNDS_MS, SIGNAL_TTL_MAX } from './limits.ts'
import type { TravellingSignal } from './neighbour.ts'

const BOX_TEXT_MAX = 16_384 // the largest sealed signal is 8 KiB padded, a third more as text
const ROUTE_CHARS_MAX = (SIGNAL_TTL_MAX - 1) * HOP_NAME_CHARS
const ID = /^[0-9a-f]{32}$/
const BOX = /^[A-Za-z0-9_-]+$/
const ROUTE = /^[a-z2-7]*$/

/** Of one hop and no further: what a neighbour means who gives no way. */
const NO_WAY = { route: '', ttl: 1, round: 0 }

/** The way as it travels: names of hops one after the other, then the numbers. */
export function encodeWay({ route, ttl, round }: TravellingSignal): unknown {
  return { route: route.join(''), ttl, round }
}

/** The arguments of the rpc method `signal`, checked: ERR_SIGNAL_MALFORMED for anything else. A ttl over the most is the most. */
export function parseSignal([to, id, box, way = NO_WAY]: readonly unknown[]): TravellingSignal {
  if (!isPeerId(to) || typeof id !== 'string' || !ID.test(id)) throw malformed()
  if (typeof box !== 'string' || box.length > BOX_TEXT_MAX || !BOX.test(box)) throw malformed()
  if (typeof way !== 'object' || way === null) throw malformed()
  const { route, ttl, round } = way as Record<keyof typeof NO_WAY, unknown>
  if (typeof route !== 'string' || route.length > ROUTE_CHARS_MAX || route.length % HOP_NAME_CHARS !== 0) throw malformed()
  if (!ROUTE.test(route) || !isCount(ttl) || !isCount(round) || round >= SIGNAL_ROUNDS_MS.length) throw malformed()
  return { to, id, box, route: splitRoute(route), ttl: Math.min(ttl, SIGNAL_TTL_MAX - 1), round }
}

function splitRoute(route: string): string[] {
  return Array.from({ length: route.length / HOP_NAME_CHARS }, (_, hop) =>
    route.slice(hop * HOP_NAME_CHARS, (hop + 1) * HOP_NAME_CHARS),
  )
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function malformed(): SwarmError<'ERR_SIGNAL_MALFORMED'> {
  return new SwarmError('A signal is (key, id, box, { route, ttl, round }).', { code: 'ERR_SIGNAL_MALFORMED' })
}
