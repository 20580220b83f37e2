import type { PeerId } from '@resilient-swarm/contract'
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
  /** A peer that we are connected to says by its record that these are its doors now: all of them, and no others. */
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
      const others = doors.filter((door) => door.peer !== peer)
      const fresh = urls.filter((url) => !others.some((door) => door.url === url && door.peer !== undefined))
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
