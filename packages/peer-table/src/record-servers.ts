import { concatBytes, encodeVarint, lengthPrefixed, utf8 } from '@resilient-swarm/contract'
import { type ByteReader, MALFORMED } from './byte-reader.ts'
import { SERVER_URL_BYTES_MAX, SERVERS_MAX } from './limits.ts'

/**
 * The one spelling of a server's URL: every reader of every age must come to the same verdict, so this asks no URL parser.
 * No user, query or fragment: whoever is told of it dials it, and must not be made to ask anybody for anything else.
 */
const SERVER_URL = /^wss?:\/\/(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[1-9]\d{0,4})?\/[A-Za-z0-9._~/-]*$/

/** Servers of a record, behind their count: each once, in the order of their texts. */
export function encodeServers(servers: readonly string[]): Uint8Array {
  return concatBytes(encodeVarint(servers.length), ...[...servers].sort().map((url) => lengthPrefixed(utf8(url))))
}

/** At least one, or there would be two ways to say none. */
export function readServers(reader: ByteReader): readonly string[] {
  const count = reader.varint(SERVERS_MAX)
  if (count === 0) throw MALFORMED
  const servers: string[] = []
  for (let index = 0; index < count; index++) {
    const url = reader.text(SERVER_URL_BYTES_MAX)
    if (!SERVER_URL.test(url) || (index > 0 && url <= (servers[index - 1] as string))) throw MALFORMED
    servers.push(url)
  }
  return servers
}

/** As a record tells them. A TypeError for what is no server's URL in its one spelling, a RangeError for too much. */
export function checkServers(servers: readonly string[]): readonly string[] {
  if (!Array.isArray(servers)) throw new TypeError('servers must be an array of URLs')
  if (servers.length > SERVERS_MAX) throw new RangeError(`a record names at most ${SERVERS_MAX} servers`)
  for (const url of servers) {
    if (typeof url !== 'string' || !SERVER_URL.test(url) || spellingOf(url) !== url)
      throw new TypeError(
        `'${String(url)}' is not a server's URL as a record names it, like wss://door.example/ or ws://10.0.0.7:6688/`,
      )
    if (utf8(url).byteLength > SERVER_URL_BYTES_MAX)
      throw new RangeError(`a server's URL has at most ${SERVER_URL_BYTES_MAX} bytes`)
  }
  return [...new Set(servers)].sort()
}

/** What this platform makes of it: a door that others cannot spell is none. */
function spellingOf(url: string): string | undefined {
  try {
    return new URL(url).href
  } catch {
    return undefined
  }
}
