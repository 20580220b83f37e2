/** PouchDB's replicator alone; `#replicator` brings it, from its package in Node and from one bundle in browsers. */

export interface Replication {
  on(event: string, listener: (detail: unknown) => void): unknown
  cancel(): void
}

export type Replicate = (source: object, target: object, options: Readonly<Record<string, unknown>>) => Replication
