/** The substream types that are the swarm's own; every other is the application's. */
export const OWN_TYPES = { table: 'db', rpc: 'dnode', relay: 'relay' } as const

const OWN: ReadonlySet<string> = new Set(Object.values(OWN_TYPES))

/** What stands before the name of a shared database; all such types are ours, so that no application is handed a replication. */
const DATABASE_PREFIX = 'db:'

/** True for a type that no application opens or is handed. */
export function isOwnType(type: string): boolean {
  return OWN.has(type) || isDatabaseType(type)
}

export function isDatabaseType(type: string): boolean {
  return type.startsWith(DATABASE_PREFIX)
}

/** The type of the substream over which a database of this name is shared. */
export function databaseType(name: string): string {
  return `${DATABASE_PREFIX}${name}`
}
