import { type DatabaseReplication, type PeerProgress, Swarm } from 'resilient-swarm'
import { DATABASE_NAME, isNote, type Note } from './note.mjs'

export interface MembershipOptions {
  readonly database: PouchDB.Database<Note>
  readonly seed: Uint8Array
  readonly signals: readonly string[] | undefined
  /** Keys to call whenever this tab comes online. */
  readonly call: readonly string[]
  /** A sentence for the user; undefined takes it back. */
  readonly onTold: (sentence: string | undefined) => void
  readonly onChange: () => void
}

/** This tab in the swarm, where it begins, or out of it: notes are written either way, and catch up when it is back. */
export interface Membership {
  readonly publicKey: string
  readonly isOnline: boolean
  /** Notes that `isNote` kept out since the page was opened. */
  readonly denied: number
  readonly progress: readonly PeerProgress[]
  enter(): void
  leave(): Promise<void>
  call(key: string): void
  destroy(): void
}

export function createMembership({ database, seed, signals, call, onTold, onChange }: MembershipOptions): Membership {
  const known = new Set(call)
  let denied = 0
  let current: { readonly swarm: Swarm; readonly replication: DatabaseReplication } | undefined = enter()
  const { publicKey } = current.swarm

  /** The same node each time: its key is this tab's. */
  function enter() {
    const swarm = new Swarm({ seed, ...(signals ? { signals } : {}) })
    swarm.on('error', (error) => onTold(error.message))
    swarm.on('peer', (peer) => {
      known.add(peer.publicKey)
      onTold(undefined)
    })
    const replication = swarm.replicate(database, { name: DATABASE_NAME, admit: isNote })
    replication.on('denied', () => {
      denied++
      onChange()
    })
    replication
      .on('change', onChange)
      .on('paused', onChange)
      .on('error', (error) => onTold(error.message))
    for (const key of known) swarm.call(key).catch(() => {}) // told by `error`
    return { swarm, replication }
  }

  return {
    publicKey,
    get isOnline() {
      return current !== undefined
    },
    get denied() {
      return denied
    },
    get progress() {
      return current?.replication.progress ?? []
    },
    enter() {
      current ??= enter()
    },
    async leave() {
      const left = current?.swarm
      current = undefined
      await left?.close()
    },
    call(key) {
      current?.swarm.call(key).catch(() => {})
    },
    destroy: () => current?.swarm.destroy(),
  }
}
