import { createRuntime, type PeerId, type Runtime } from '@resilient-swarm/contract'
import { type ChannelPairOptions, createChannelPair } from '@resilient-swarm/testkit'
import memoryAdapter from 'pouchdb-adapter-memory'
import Core from 'pouchdb-core'
import { createDatabaseShare, type DatabaseShare, type DatabaseShareOptions, type ShareEvents } from '../src/index.ts'

export const Pouch = Core.plugin(memoryAdapter as PouchDB.Plugin)
Pouch.setMaxListeners(0)

export type Database = PouchDB.Database<Record<string, unknown>>

let databases = 0
/** An empty database of the application's, in memory. */
export function openDatabase(): Database {
  return new Pouch(`shared-${process.pid}-${databases++}`, { adapter: 'memory' })
}

type Heard = { [Name in keyof ShareEvents]: { readonly event: Name; readonly facts: ShareEvents[Name] } }[keyof ShareEvents]

export interface Person {
  readonly id: PeerId
  readonly database: Database
  readonly share: DatabaseShare
  readonly heard: readonly Heard[]
  of<Name extends keyof ShareEvents>(event: Name): ShareEvents[Name][]
  /** Resolves when something that was, or will be, heard fits. */
  until(test: () => boolean | Promise<boolean>): Promise<void>
}

export async function join(
  name: string,
  options: Partial<DatabaseShareOptions> & { database?: Database; runtime?: Runtime } = {},
): Promise<Person> {
  const database = options.database ?? openDatabase()
  const heard: Heard[] = []
  const waiting = new Set<() => void>()
  const share = await createDatabaseShare({
    name: 'notes',
    admit: () => true,
    runtime: createRuntime(),
    ...options,
    database,
    emit(event, ...facts) {
      heard.push({ event, facts } as unknown as Heard)
      for (const look of waiting) look()
    },
  })
  return {
    id: name as PeerId,
    database,
    share,
    heard,
    of: (event) => heard.filter((one) => one.event === event).map(({ facts }) => facts) as never,
    async until(test) {
      while (!(await test())) {
        await new Promise<void>((resolve) => {
          const look = () => {
            waiting.delete(look)
            resolve()
          }
          waiting.add(look)
        })
      }
    },
  }
}

/** Both share with each other over one channel in memory. */
export function connect(one: Person, other: Person, options: ChannelPairOptions = {}) {
  const channels = createChannelPair(options)
  const near = one.share.replicate({ channel: channels[0], peer: other.id })
  const far = other.share.replicate({ channel: channels[1], peer: one.id })
  return { channels, near, far }
}

/** Resolves when a document is there whose fields fit. */
export function whenDocument(person: Person, id: string, fits: (document: Record<string, unknown>) => boolean = () => true) {
  return person.until(async () => {
    const document = await person.database.get(id).catch(() => undefined)
    return document !== undefined && fits(document as unknown as Record<string, unknown>)
  })
}
