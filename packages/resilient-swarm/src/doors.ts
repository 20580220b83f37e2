import type { PeerId } from '@resilient-swarm/contract'
import { parseOrigin } from '@resilient-swarm/signal-exchange/protocol'
import { DOOR_RETRY_MS_MAX, DOOR_RETRY_MS_MIN, DOORS_MAX, DOORS_UNPROVEN_MAX } from './limits.ts'
import type { KnownDoor } from './memory.ts'

export interface Door extends KnownDoor {
  readonly failures: number
  /** Not before this, by the monotonic clock. */
  readonly dueMs: number
}

/** The doors that are remembered, newest first. Pure bookkeeping: who tries them is `door-keeper.ts`. */
export interface Doors {
  readonly all: readonly Door[]
  /**
   * A peer that we are connected to says by its record that these are its doors now: all of them, and no others. One of before
   * at which we were once stays, as nobody's. What `isTellable` refuses is left out.
   */
  told(peer: PeerId, urls: readonly string[]): void
  /** We were registered there. */
  worked(url: string): void
  /** Nobody there helped; `fraction` in [0, 1) is jitter. */
  failed(url: string, at: { readonly nowMs: number; readonly fraction: number }): void
  /** Which one to try now: one that is due and wanted, those that worked and failed least first. */
  next(nowMs: number, isWanted: (door: Door) => boolean): Door | undefined
}

export function createDoors(remembered: readonly KnownDoor[]): Doors {
  let doors: readonly Door[] = remembered.map((door) => ({ ...door, failures: 0, dueMs: 0 }))

  function change(url: string, to: (door: Door) => Door): void {
    doors = doors.map((door) => (door.url === url ? to(door) : door))
  }

  return {
    get all() {
      return doors
    },
    told(peer, urls) {
      // Another's door stays another's: whoever names it too must not be able to have it forgotten.
      // So does what we were at: mallory could name it, and then no longer.
      const others = doors
        .map((door) => (door.peer === peer && door.worked ? withoutOwner(door) : door))
        .filter((door) => door.peer !== peer)
      const isAnothers = (url: string) => others.some((door) => door.url === url && door.peer !== undefined)
      const fresh = urls.filter((url) => isTellable(url) && !isAnothers(url))
      const own = fresh.map((url): Door => {
        const known = doors.find((door) => door.url === url)
        return { url, peer, worked: known?.worked ?? false, failures: known?.failures ?? 0, dueMs: known?.dueMs ?? 0 }
      })
      doors = withinBounds([...own, ...others.filter(({ url }) => !fresh.includes(url))])
    },
    worked(url) {
      const known = doors.find((door) => door.url === url)
      const door: Door = { ...(known ?? { url }), worked: true, failures: 0, dueMs: 0 }
      doors = withinBounds([door, ...doors.filter((other) => other.url !== url)])
    },
    failed(url, { nowMs, fraction }) {
      change(url, (door) => {
        const failures = door.failures + 1
        return { ...door, failures, dueMs: nowMs + doorRetryMs(failures, fraction) }
      })
    },
    next(nowMs, isWanted) {
      return doors
        .filter((door) => door.dueMs <= nowMs && isWanted(door))
        .sort((one, other) => Number(other.worked) - Number(one.worked) || one.failures - other.failures)[0]
    },
  }
}

function withoutOwner({ peer: _, ...door }: Door): Door {
  return door
}

/**
 * Whether we go to such a URL on a peer's word. In the one spelling that is remembered; and by plain `ws:` only to a root, for
 * the host may be anything in our own network, and a GET of a path of the liar's choice makes some things there act. By `wss:`
 * the host first shows a certificate for that name.
 */
export function isTellable(url: string): boolean {
  if (parseOrigin(url) !== url) return false
  const { protocol, pathname } = new URL(url)
  return protocol === 'wss:' || pathname === '/'
}

/** How long a door is let alone: doubled with each failure, half of it jitter, for many may have lost the same one. */
export function doorRetryMs(failures: number, fraction: number): number {
  const wholeMs = Math.min(DOOR_RETRY_MS_MAX, DOOR_RETRY_MS_MIN * 2 ** Math.min(failures - 1, 16))
  return wholeMs / 2 + (wholeMs / 2) * fraction
}

/** Doors that worked stay before those that were only told of: peers without number may tell of doors without number. */
function withinBounds(doors: readonly Door[]): readonly Door[] {
  const unproven = doors.filter(({ worked }) => !worked).slice(0, DOORS_UNPROVEN_MAX)
  const proven = doors.filter(({ worked }) => worked).slice(0, DOORS_MAX - unproven.length)
  return doors.filter((door) => unproven.includes(door) || proven.includes(door))
}
