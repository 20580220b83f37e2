export declare const DATABASE_NAME: string
export declare const NOTE_LENGTH_MAX: number

/** A note as it is stored; the id begins with `note:` and its time. */
export interface Note {
  readonly _id: string
  readonly text: string
  readonly author: string
  /** ms since 1970, by the author's clock. */
  readonly at: number
}

export declare function createNote(given: { text: string; author: string; nowMs?: number }): Note
export declare function isNote(document: Readonly<Record<string, unknown>>): boolean
