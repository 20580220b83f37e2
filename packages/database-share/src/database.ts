/** The part of PouchDB that is used here: public methods which versions 7, 8 and 9 share. */

/** A place in a database's feed of changes: a number in PouchDB's own adapters, a text in CouchDB. */
export type Place = number | string

export interface PouchDocument {
  readonly _id: string
  readonly _rev: string
  readonly _deleted?: boolean
  readonly _attachments?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly [field: string]: unknown
}

/** A document as it travels, with the ancestry of its revision. */
export interface RevisedDocument extends PouchDocument {
  readonly _revisions: { readonly start: number; readonly ids: readonly string[] }
}

export interface ChangeRow {
  readonly id: string
  readonly seq: Place
  readonly changes: readonly { readonly rev: string }[]
}

export interface ChangesResult {
  readonly results: readonly ChangeRow[]
  readonly last_seq: Place
}

export interface ChangesFeed extends Promise<ChangesResult> {
  on(event: string, listener: (detail: never) => void): ChangesFeed
  cancel(): void
}

export interface BulkGetResult {
  readonly results: readonly { readonly id: string; readonly docs: readonly { readonly ok?: RevisedDocument }[] }[]
}

export interface PouchDatabase {
  id(): Promise<string>
  info(): Promise<{ readonly update_seq: Place }>
  get(id: string): Promise<PouchDocument>
  put(document: object): Promise<unknown>
  changes(options: Record<string, unknown>): ChangesFeed
  bulkGet(options: Record<string, unknown>): Promise<BulkGetResult>
  revsDiff(asked: object): Promise<Record<string, { readonly missing: readonly string[] }>>
  bulkDocs(request: { docs: readonly object[]; new_edits: false }): Promise<readonly unknown[]>
  once(event: string, listener: () => void): unknown
  removeListener(event: string, listener: () => void): unknown
}

type Method = (...given: never[]) => unknown

/** Any PouchDB 7, 8 or 9, with whatever adapter, typed by whatever package. */
export interface ShareableDatabase {
  readonly info: Method
  readonly get: Method
  readonly put: Method
  readonly changes: Method
  readonly bulkGet: Method
  readonly revsDiff: Method
  readonly bulkDocs: Method
}

const METHODS = ['id', 'info', 'get', 'put', 'changes', 'bulkGet', 'revsDiff', 'bulkDocs', 'once', 'removeListener'] as const

/** A TypeError for anything but a PouchDB: its own types leave out `id`, so this is looked at while running. */
export function toPouchDatabase(given: ShareableDatabase): PouchDatabase {
  const candidate = given as unknown as Partial<Record<(typeof METHODS)[number], unknown>> | null
  for (const method of METHODS) {
    if (typeof candidate?.[method] !== 'function')
      throw new TypeError(`the database must be a PouchDB; this one has no ${method}()`)
  }
  return given as unknown as PouchDatabase
}

/** Has one of PouchDB's own error statuses. */
export function statusOf(error: unknown): number | undefined {
  const status = typeof error === 'object' && error !== null ? (error as { status?: unknown }).status : undefined
  return typeof status === 'number' ? status : undefined
}
