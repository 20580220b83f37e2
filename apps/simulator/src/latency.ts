import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createSeededRandom, type SeededRandom } from './seeded-random.ts'

/** Round trips between places where nodes can stand. */
export interface Latency {
  /** Where the round trips come from, for the report. */
  readonly source: string
  readonly places: number
  /** Between two places; between nodes of one place it is their access alone. */
  rttMs(one: number, other: number): number
}

/** Where a node stands, and how long its own access takes both ways. */
export interface Site {
  readonly place: number
  readonly accessMs: number
}

const FOLDER = join('..', 'shared', 'data', 'latency')
const HEADER_BYTES = 4
const TENTHS = 10
/** Neighbours of one place: a local network at best, a home's line at worst. */
const ACCESS_MS_MIN = 0.5
const ACCESS_MS_MAX = 5

const SYNTHETIC_PLACES = 490
/** A square with this edge gives the median of measured ones, 135 ms, and its corners the far tail. */
const SYNTHETIC_EDGE_MS = 240
const SYNTHETIC_ACCESS_MS = 6

/** Measured round trips from beside the checkout, one of the files by seed; a synthetic model where there are none. */
export function loadLatency(seed: number, startFolder: string = process.cwd()): Latency {
  const files = measuredFiles(startFolder)
  const file = files[seed % files.length]
  return file ? readMeasured(file) : synthesizeLatency(seed)
}

export function chooseSite(latency: Latency, random: SeededRandom): Site {
  const accessMs = ACCESS_MS_MIN + random.fraction() * (ACCESS_MS_MAX - ACCESS_MS_MIN)
  return { place: random.below(latency.places), accessMs }
}

export function rttBetween(latency: Latency, one: Site, other: Site): number {
  return one.place === other.place ? one.accessMs + other.accessMs : latency.rttMs(one.place, other.place)
}

function measuredFiles(startFolder: string): readonly string[] {
  for (let folder = startFolder; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, FOLDER)
    if (!existsSync(candidate)) continue
    const names = readdirSync(candidate).filter((name) => name.endsWith('.u16'))
    return names.sort().map((name) => join(candidate, name))
  }
  return []
}

/** `n, 0` as 16-bit integers, then the upper triangle row by row in tenths of a millisecond. 0: never measured. */
export function readMeasured(file: string): Latency {
  const bytes = readFileSync(file)
  const places = bytes.readUInt16LE(0)
  const pairs = (places * (places - 1)) / 2
  if (bytes.byteLength !== HEADER_BYTES + 2 * pairs) throw new Error(`${file} is no triangle of ${places} places`)
  const triangle = new Float32Array(pairs)
  for (let pair = 0; pair < pairs; pair++) triangle[pair] = bytes.readUInt16LE(HEADER_BYTES + 2 * pair) / TENTHS
  const median = [...triangle].sort((one, other) => one - other)[pairs >> 1] as number
  return fromTriangle({ source: file.slice(file.lastIndexOf('/') + 1), places, rttOfPair: (pair) => triangle[pair] || median })
}

/** Places on a square, each behind an access of its own; like the measured ones in median and spread, and nothing more. */
export function synthesizeLatency(seed: number): Latency {
  const random = createSeededRandom(seed).fork('places')
  const places = Array.from({ length: SYNTHETIC_PLACES }, () => ({
    x: random.fraction() * SYNTHETIC_EDGE_MS,
    y: random.fraction() * SYNTHETIC_EDGE_MS,
    accessMs: random.exponential(SYNTHETIC_ACCESS_MS),
  }))
  return {
    source: 'synthetic: places on a square',
    places: SYNTHETIC_PLACES,
    rttMs(one, other) {
      const [from, to] = [places[one], places[other]]
      if (!from || !to) throw new RangeError('there is no such place')
      return Math.hypot(from.x - to.x, from.y - to.y) + from.accessMs + to.accessMs
    },
  }
}

interface Triangle {
  readonly source: string
  readonly places: number
  readonly rttOfPair: (pair: number) => number
}

function fromTriangle({ source, places, rttOfPair }: Triangle): Latency {
  return {
    source,
    places,
    rttMs(one, other) {
      const [low, high] = one < other ? [one, other] : [other, one]
      if (low === high || high >= places) throw new RangeError('there is no such pair of places')
      return rttOfPair(low * places - (low * (low + 1)) / 2 + (high - low - 1))
    },
  }
}
