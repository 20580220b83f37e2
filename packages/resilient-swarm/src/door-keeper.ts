import { type PeerId, type Runtime, type Scope, SwarmError } from '@resilient-swarm/contract'
import type { PeerRecord } from '@resilient-swarm/peer-table'
import type { AddedServer } from '@resilient-swarm/signal-exchange'
import { createDoors, type Door } from './doors.ts'
import { type History, inWords } from './history.ts'
import type { Home } from './home.ts'
import {
  ATTEMPT_TIMEOUT_MS,
  DOOR_FAILURES_MAX,
  DOOR_LINGER_MS,
  DOOR_PATIENCE_MS,
  DOORS_INTERVAL_MS,
  MEMORY_INTERVAL_MS,
  MET_CALLED_MAX,
  MET_MAX,
  MET_SOUGHT_MAX,
} from './limits.ts'
import { encodeMemory, NO_MEMORY, parseMemory } from './memory.ts'
import type { Signalling } from './signalling.ts'
import { sleep } from './sleep.ts'

export interface DoorKeeperOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  readonly scope: Scope
  readonly home: Home
  readonly history: History
  readonly signalling: Signalling
  /** Who is connected and heard of, not those whose last path was lost. */
  readonly connected: () => readonly PeerId[]
  /** Its session stands, whether a path does or not. */
  readonly isKnownPeer: (id: PeerId) => boolean
  readonly recordOf: (id: PeerId) => PeerRecord | undefined
  /** Resolves when the peer is connected. */
  readonly call: (id: PeerId) => Promise<unknown>
  readonly onError: (error: SwarmError) => void
}

/**
 * Brings a node back in when it has nobody and no server, and back to peers whose door it knows when nothing else leads to them: one door
 * at a time, those only that it was at itself or was told of by the very peers that it was connected to.
 */
export interface DoorKeeper {
  onPeer(id: PeerId): void
  onRecord(record: PeerRecord): void
  /** What is remembered is written. */
  close(): Promise<void>
}

export function createDoorKeeper(options: DoorKeeperOptions): DoorKeeper {
  const { self, runtime, scope, home, history, signalling } = options
  const { clock, random } = runtime
  const isConnected = (id: PeerId) => options.connected().includes(id)
  let doors = createDoors([])
  let met: readonly PeerId[] = []
  let isKept = true
  let isTrying = false
  let aloneSinceMs: number | undefined = clock.monotonic()
  /** Since when those are missing whose door we know. */
  const missing = new Map<PeerId, number>()
  /** What was learned while the memory was still being read; read by whom it concerns, it comes first. */
  const recalled = recall()

  async function recall(): Promise<void> {
    try {
      const text = await home.recall(self)
      const memory = text === undefined ? NO_MEMORY : parseMemory(text)
      if (memory === undefined) options.onError(memoryError('holds no memory of a node; it is written anew'))
      const learned = doors.all
      doors = createDoors([
        ...learned,
        ...(memory ?? NO_MEMORY).doors.filter(({ url }) => !learned.some((door) => door.url === url)),
      ])
      met = [...met, ...(memory ?? NO_MEMORY).met.filter((id) => !met.includes(id))].slice(0, MET_MAX)
    } catch (cause) {
      options.onError(memoryError('cannot be read', cause))
    }
  }

  function changed(): void {
    if (!isKept) return
    isKept = false
    scope.timer(clock, MEMORY_INTERVAL_MS, () => void keep())
  }

  async function keep(): Promise<void> {
    if (isKept) return
    isKept = true
    try {
      await recalled
      await home.keep(
        self,
        encodeMemory({ doors: doors.all.map(({ url, peer, worked }) => ({ url, ...(peer ? { peer } : {}), worked })), met }),
      )
    } catch (cause) {
      options.onError(memoryError('cannot be written', cause))
    }
  }

  function learn(record: PeerRecord | undefined): void {
    if (!record || record.left) return
    const before = doors.all
    doors.told(record.id, record.servers ?? [])
    if (JSON.stringify(before) !== JSON.stringify(doors.all)) changed()
  }

  function isUsed(url: string): boolean {
    return signalling.ownDoors.includes(url) || signalling.servers.some((server) => server.url === url)
  }

  /** With nobody and no server any door will do; else only that of somebody who is missing. */
  function isWanted(door: Door, nowMs: number): boolean {
    if (isUsed(door.url) || door.peer === self) return false
    if (aloneSinceMs !== undefined && nowMs - aloneSinceMs >= (signalling.hasHopes ? DOOR_PATIENCE_MS : 0)) return true
    if (door.peer === undefined || door.failures >= DOOR_FAILURES_MAX) return false
    const sinceMs = missing.get(door.peer)
    return sinceMs !== undefined && nowMs - sinceMs >= DOOR_PATIENCE_MS
  }

  function lookAround(): void {
    const nowMs = clock.monotonic()
    const isAlone = options.connected().length === 0 && !signalling.isRegistered
    aloneSinceMs = isAlone ? (aloneSinceMs ?? nowMs) : undefined
    const owners = new Set(doors.all.flatMap(({ peer }) => (peer === undefined ? [] : [peer])))
    for (const id of missing.keys()) if (!owners.has(id)) missing.delete(id)
    for (const id of owners) {
      if (isConnected(id)) missing.delete(id)
      else if (!missing.has(id)) missing.set(id, nowMs)
    }
    noteWorking()
    const door = isTrying ? undefined : doors.next(nowMs, (candidate) => isWanted(candidate, nowMs))
    if (door) void attempt(door)
  }

  function noteWorking(): void {
    for (const { state, url } of signalling.servers) {
      if (state !== 'registered' || doors.all.find((door) => door.url === url)?.worked) continue
      doors.worked(url)
      changed()
    }
  }

  async function attempt(door: Door): Promise<void> {
    isTrying = true
    let server: AddedServer | undefined
    try {
      server = signalling.visit(door.url)
      runtime.log.info('trying a door that is remembered', { url: door.url })
      await server.registered
      doors.worked(door.url)
      await callThere(door, server)
    } catch (error) {
      if (door.peer) history.note(door.peer, `its door ${door.url}: ${inWords(error)}`)
      doors.failed(door.url, { nowMs: clock.monotonic(), fraction: random.fraction() })
    } finally {
      server?.close()
      isTrying = false
      if (!scope.isClosed) changed()
    }
  }

  /** Rejects when nobody came. Whose door it is is called first; whoever else was met and is there, when we have nobody. */
  async function callThere(door: Door, server: AddedServer): Promise<void> {
    if (door.peer && !isConnected(door.peer)) {
      if (await isReached(door.peer)) return
      if (options.connected().length > 0) throw nobodyError(door.url)
    }
    const sought = met.filter((id) => id !== door.peer && !isConnected(id)).slice(0, MET_SOUGHT_MAX)
    const online = sought.length === 0 ? new Set<PeerId>() : await server.lookup(sought, { signal: scope.signal })
    const called = sought.filter((id) => online.has(id)).slice(0, MET_CALLED_MAX)
    if ((await Promise.all(called.map(isReached))).includes(true)) return
    const untilMs = clock.monotonic() + DOOR_LINGER_MS
    while (options.connected().length === 0 && clock.monotonic() < untilMs)
      await sleep({ clock, delayMs: DOORS_INTERVAL_MS, signal: scope.signal })
    if (options.connected().length === 0) throw nobodyError(door.url)
  }

  async function isReached(id: PeerId): Promise<boolean> {
    // A session that lost its paths is looked after by itself: it only needs the door for its signals.
    const untilMs = clock.monotonic() + ATTEMPT_TIMEOUT_MS
    while (options.isKnownPeer(id) && !isConnected(id)) {
      if (clock.monotonic() >= untilMs) return false
      await sleep({ clock, delayMs: DOORS_INTERVAL_MS, signal: scope.signal })
    }
    try {
      if (!isConnected(id)) await options.call(id)
      return true
    } catch {
      return false
    }
  }

  function tick(): void {
    lookAround()
    scope.timer(clock, DOORS_INTERVAL_MS, tick)
  }
  void recalled.then(() => scope.isClosed || tick())

  return {
    onPeer(id) {
      noteWorking()
      met = [id, ...met.filter((other) => other !== id)].slice(0, MET_MAX)
      learn(options.recordOf(id))
      changed()
    },
    onRecord(record) {
      if (isConnected(record.id)) learn(record)
    },
    close: keep,
  }
}

function nobodyError(url: string): SwarmError<'ERR_DOOR_NOBODY'> {
  return new SwarmError(`Nobody whom we know came to ${url}.`, { code: 'ERR_DOOR_NOBODY', retryable: true })
}

function memoryError(what: string, cause?: unknown): SwarmError<'ERR_MEMORY'> {
  const message = `What this node remembers of doors and peers ${what}. It goes on, and may need a signal server when it starts again.`
  return new SwarmError(message, { code: 'ERR_MEMORY', cause })
}
