/** The substream types that are the swarm's own; every other is the application's. */
export const OWN_TYPES = { table: 'db', rpc: 'dnode', relay: 'relay' } as const

const OWN: ReadonlySet<string> = new Set(Object.values(OWN_TYPES))

/** True for a type that no application opens or is handed. */
export function isOwnType(type: string): boolean {
  return OWN.has(type)
}
