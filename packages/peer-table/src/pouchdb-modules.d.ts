/** What of leveldown is used: its package brings no types. */
declare module 'leveldown' {
  type Done = (error?: Error | null) => void

  export interface Iterator {
    /** Without a key at the end. */
    next(next: (error: Error | null | undefined, key?: string, value?: string) => void): void
    end(done: Done): void
  }

  export interface LevelDown {
    open(options: { readonly createIfMissing: boolean }, done: Done): void
    close(done: Done): void
    iterator(options: { readonly keyAsBuffer: false; readonly valueAsBuffer: false }): Iterator
  }

  const leveldown: { (path: string): LevelDown; repair(path: string, done: Done): void }
  export default leveldown
}

declare module 'pouchdb-adapter-leveldb' {
  const plugin: unknown
  export default plugin
}

declare module 'pouchdb-adapter-memory' {
  const plugin: unknown
  export default plugin
}

declare module 'pouchdb-replication' {
  const plugin: unknown
  export default plugin
}
