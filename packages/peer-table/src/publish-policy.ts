import type { PeerId } from '@resilient-swarm/contract'
import { SMALL_SWARM_RECORDS } from './limits.ts'
import type { PeerRecord } from './peer-record.ts'

/** What a record says, its times and number aside. */
export type Content = Pick<PeerRecord, 'links' | 'relay' | 'info' | 'left'>

/** How many nodes there are: by our own table, and by what a peer says whose table we have not read yet. */
export interface SwarmSize {
  readonly known: number
  readonly told: number
}

/**
 * How soon a change is worth the swarm's bytes. `now`: under the damping alone. `gathered`: with what comes in the next moments.
 * `damped`: not before half a minute after the last one. `refresh`: when the record is renewed anyway.
 */
export type Urgency = 'now' | 'gathered' | 'damped' | 'refresh'

/** In a large swarm links come and go all the time, each told to everybody: then they wait, unless little of what is told still holds. */
export function urgencyOf(told: Content, next: Content, { known, told: toldSize }: SwarmSize): Urgency {
  if (told.relay !== next.relay || told.left !== next.left || !isSameInfo(told, next)) return 'now'
  if (told.links.length === 0) return Math.max(known, toldSize) > SMALL_SWARM_RECORDS ? 'gathered' : 'now'
  if (known <= SMALL_SWARM_RECORDS) return 'now'
  return isMostlyOther(told, next) ? 'damped' : 'refresh'
}

function isSameInfo(one: Content, other: Content): boolean {
  return JSON.stringify(one.info) === JSON.stringify(other.info)
}

/** Whether more than half as many as were told have gone, or come. */
function isMostlyOther(told: Content, next: Content): boolean {
  const before = idsOf(told)
  const after = idsOf(next)
  const gone = [...before].filter((id) => !after.has(id)).length
  const come = [...after].filter((id) => !before.has(id)).length
  return 2 * Math.max(gone, come) > before.size
}

function idsOf({ links }: Content): ReadonlySet<PeerId> {
  return new Set(links.map(({ key }) => key))
}
