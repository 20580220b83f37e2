import { REVISIONS_MAX } from './limits.ts'

/** In order, each part as long as it weighs no more than `max`, or one thing alone; nearly always everything is one part. */
export function partsOf<Thing>(things: readonly Thing[], weigh: (thing: Thing) => number, max: number): (readonly Thing[])[] {
  const parts: Thing[][] = []
  let weight = Number.POSITIVE_INFINITY
  for (const thing of things) {
    const more = weigh(thing)
    if (weight + more > max) {
      parts.push([])
      weight = 0
    }
    parts.at(-1)?.push(thing)
    weight += more
  }
  return parts
}

/** How many revisions a tree has at the most that PouchDB reads for this one, as its number tells. */
export function treeWeight(revision: string): number {
  return Math.min(REVISIONS_MAX, Number.parseInt(revision, 10) || 1)
}
