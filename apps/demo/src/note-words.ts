import type { Note } from 'resilient-swarm'
import { shortKey } from './key-words.ts'

const KEY_PATTERN = /\brs1[a-z2-7]{58}\b/g

/** What happened, last at `atMs`, so many times. */
export interface GatheredNote extends Note {
  readonly times: number
}

/** The notes of `swarm.why` with those that say the same told once, where it was last so; oldest first. */
export function gatherNotes(notes: readonly Note[]): readonly GatheredNote[] {
  const gathered = new Map<string, GatheredNote>()
  for (const { atMs, text } of notes) {
    const times = (gathered.get(text)?.times ?? 0) + 1
    gathered.delete(text) // so that the map's order is by last time
    gathered.set(text, { atMs, text: noteWords(text), times })
  }
  return [...gathered.values()]
}

/** A note with its keys cut to what the page shows of them everywhere. */
export function noteWords(text: string): string {
  return text.replace(KEY_PATTERN, shortKey)
}
