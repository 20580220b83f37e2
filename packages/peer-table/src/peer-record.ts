import { concatBytes, encodeVarint, lengthPrefixed, type PeerId, utf8 } from '@resilient-swarm/contract'
import { encodePeerId, type PublicKey, publicKeyOf } from '@resilient-swarm/identity'
import { ByteReader, MALFORMED } from './byte-reader.ts'
import { INFO_BYTES_MAX, INFO_DEPTH_MAX, LINK_RTT_MS_MAX, LINKS_MAX, NETWORK_BYTES_MAX, SEQ_MAX } from './limits.ts'
import { bytesOfName, SHORT_NAME_BYTES, type ShortName, shortNameOf } from './short-name.ts'

/** Plain data, as JSON carries it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** A neighbour, and the round trip to it as the record's author measured it (to a tenth of a millisecond). */
export interface PeerLink {
  readonly key: PeerId
  readonly rttMs: number
}

/** What a peer says about itself. Times are ms since 1970 by its own clock. */
export interface PeerRecord {
  readonly id: PeerId
  /** Grows by every publish; the larger one holds. */
  readonly seq: number
  /** Those of its neighbours that our table knows too; a record names them shortly, so others appear once they are known. */
  readonly links: readonly PeerLink[]
  /** Whether it serves as a relay. */
  readonly relay: boolean
  /** What the application said, at most `INFO_BYTES_MAX` bytes as JSON. */
  readonly info?: Json
  readonly createdMs: number
  readonly expiresMs: number
  /** It closed; nobody needs to call it. */
  readonly left: boolean
}

/** A neighbour as a record names it. */
export interface NamedLink {
  readonly name: ShortName
  readonly rttMs: number
}

/** What an envelope carries: a record as bytes tell it, for one swarm. Its author is the envelope's. */
export interface RecordPayload extends Omit<PeerRecord, 'id' | 'links'> {
  readonly network: string
  readonly links: readonly NamedLink[]
}

const RECORD_VERSION = 2
const FLAG = { relay: 1, left: 2, info: 4 } as const
const FLAGS_ALL = FLAG.relay | FLAG.left | FLAG.info
const TENTHS = 10

/**
 * The one spelling of a record: `docs/protocol/peer-table.md` names every byte. Links are put into the order of their names; of
 * two with one name the first is told.
 */
export function encodeRecord(record: PeerRecord, network: string): Uint8Array {
  const info = record.info === undefined ? undefined : encodeInfo(record.info)
  const flags = (record.relay ? FLAG.relay : 0) | (record.left ? FLAG.left : 0) | (info ? FLAG.info : 0)
  const tenths = new Map<ShortName, number>()
  for (const { key, rttMs } of record.links) {
    const name = shortNameOf(publicKeyOf(key))
    if (!tenths.has(name)) tenths.set(name, Math.round(rttMs * TENTHS))
  }
  const links = [...tenths].sort(([one], [other]) => (one < other ? -1 : 1))
  return concatBytes(
    encodeVarint(RECORD_VERSION),
    lengthPrefixed(utf8(network)),
    encodeVarint(record.seq),
    encodeVarint(record.createdMs),
    encodeVarint(record.expiresMs),
    encodeVarint(flags),
    ...(info ? [lengthPrefixed(info)] : []),
    encodeVarint(links.length),
    ...links.flatMap(([name, rtt]) => [bytesOfName(name), encodeVarint(rtt)]),
  )
}

/** Strict: undefined unless the bytes are exactly what `encodeRecord` gives for what they say. */
export function parseRecord(bytes: Uint8Array): RecordPayload | undefined {
  try {
    return readRecord(new ByteReader(bytes))
  } catch (error) {
    if (error === MALFORMED) return undefined
    throw error
  }
}

function readRecord(reader: ByteReader): RecordPayload {
  if (reader.varint(RECORD_VERSION) !== RECORD_VERSION) throw MALFORMED
  const network = reader.text(NETWORK_BYTES_MAX)
  const seq = reader.varint(SEQ_MAX)
  const createdMs = reader.varint(SEQ_MAX)
  const expiresMs = reader.varint(SEQ_MAX)
  const flags = reader.varint(FLAGS_ALL)
  const info = flags & FLAG.info ? readInfo(reader.text(INFO_BYTES_MAX)) : undefined
  if (network === '' || seq < 1 || expiresMs <= createdMs) throw MALFORMED
  const links: NamedLink[] = []
  const linkCount = reader.varint(LINKS_MAX)
  let previous: ShortName | undefined
  for (let index = 0; index < linkCount; index++) {
    const name = shortNameOf(reader.take(SHORT_NAME_BYTES))
    const tenths = reader.varint(LINK_RTT_MS_MAX * TENTHS)
    // Strictly growing names: no link twice, one order for one set.
    if (previous !== undefined && previous >= name) throw MALFORMED
    previous = name
    links.push({ name, rttMs: tenths / TENTHS })
  }
  if (!reader.isAtEnd) throw MALFORMED
  return {
    network,
    seq,
    links,
    relay: (flags & FLAG.relay) !== 0,
    ...(info === undefined ? {} : { info }),
    createdMs,
    expiresMs,
    left: (flags & FLAG.left) !== 0,
  }
}

/** The record of an author that was proven; `resolve` says whom it means by the names of its links. */
export function toPeerRecord(
  id: PeerId,
  { network: _, links, ...rest }: RecordPayload,
  resolve: (links: readonly NamedLink[]) => readonly PeerLink[],
): PeerRecord {
  return {
    id,
    ...rest,
    get links() {
      return resolve(links)
    },
  }
}

/** The text of key bytes that nobody checked: good for looking up and comparing; whoever dials it proves it. */
export function idOfKey(key: Uint8Array): PeerId {
  return encodePeerId(key as PublicKey)
}

/** JSON without a choice of spelling. A RangeError where it is too long or too deep, a TypeError where it is no JSON. */
export function encodeInfo(info: Json): Uint8Array {
  const text: string | undefined = JSON.stringify(info)
  if (text === undefined) throw new TypeError('info must be plain JSON data')
  const bytes = utf8(text)
  if (bytes.byteLength > INFO_BYTES_MAX) throw new RangeError(`info is at most ${INFO_BYTES_MAX} bytes as JSON`)
  if (depthOf(info) > INFO_DEPTH_MAX) throw new RangeError(`info is nested at most ${INFO_DEPTH_MAX} levels deep`)
  // What JSON drops or changes (NaN, undefined, dates, maps, bytes) would come out differently at the reader.
  if (!isSameData(info, JSON.parse(text))) throw new TypeError('info must be plain JSON data')
  return bytes
}

/** Whether reading JSON gave back what was written; −0 is 0. */
function isSameData(written: unknown, read: unknown): boolean {
  if (typeof written !== 'object' || written === null || typeof read !== 'object' || read === null) return written === read
  if (Array.isArray(written) !== Array.isArray(read) || !(Array.isArray(written) || isPlainObject(written))) return false
  const names = Object.keys(written)
  const isSame = (name: string) => Object.hasOwn(read, name) && isSameData(Reflect.get(written, name), Reflect.get(read, name))
  return names.length === Object.keys(read).length && names.every(isSame)
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null // of any realm
}

function readInfo(text: string): Json {
  let info: Json
  try {
    info = JSON.parse(text) as Json
  } catch {
    throw MALFORMED
  }
  // Refuses spaces, a name given twice, 1.0 for 1: whatever is not the one spelling.
  if (depthOf(info) > INFO_DEPTH_MAX || JSON.stringify(info) !== text) throw MALFORMED
  return info
}

function depthOf(value: unknown, level = 0): number {
  if (typeof value !== 'object' || value === null || level > INFO_DEPTH_MAX) return level
  return Math.max(level + 1, ...Object.values(value).map((item) => depthOf(item, level + 1)))
}
