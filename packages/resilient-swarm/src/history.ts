import { type Clock, createNewestMap, type PeerId, SwarmError } from '@resilient-swarm/contract'
import { NOTED_PEERS_MAX, NOTES_PER_PEER_MAX } from './limits.ts'

/** One thing that happened on the way to a peer. */
export interface Note {
  readonly atMs: number
  readonly text: string
}

/** What was tried to reach each peer and how it ended, in words; the oldest is forgotten first. */
export interface History {
  note(id: PeerId, text: string): void
  read(id: PeerId): readonly Note[]
}

export function createHistory(clock: Clock): History {
  const notes = createNewestMap<PeerId, Note[]>(NOTED_PEERS_MAX)
  return {
    note(id, text) {
      const own = notes.get(id) ?? []
      notes.set(id, own)
      if (own.at(-1)?.text === text) own.pop() // the same again: its last time is what matters
      own.push({ atMs: clock.now(), text })
      if (own.length > NOTES_PER_PEER_MAX) own.shift()
    },
    read: (id) => [...(notes.get(id) ?? [])],
  }
}

/** An error in the words of a note, its cause included. */
export function inWords(error: unknown): string {
  if (!(error instanceof SwarmError)) return String(error)
  const { cause } = error
  return `${error.code}: ${error.message}${cause instanceof Error ? ` (${cause.message})` : ''}`
}
