import { describe, expect, it } from '@jest/globals'
import { concatBytes, encodeVarint, lengthPrefixed, utf8 } from '@resilient-swarm/contract'
import { createTestRuntime } from '@resilient-swarm/testkit'
import {
  LINKS_MAX,
  NETWORK_BYTES_MAX,
  PUBLISH_GATHER_MS,
  RECORD_BYTES_MAX,
  SERVER_URL_BYTES_MAX,
  SERVERS_MAX,
} from '../src/limits.ts'
import { encodeRecord, parseRecord } from '../src/peer-record.ts'
import { sealRecord } from '../src/record-envelope.ts'
import { checkServers, encodeServers } from '../src/record-servers.ts'
import { documentOf, documentOfEnvelope, envelopeBy, recordOf } from './documents.ts'
import { keyPairOf, NETWORK, openTable } from './tables.ts'

const alice = keyPairOf(1)
const payloadOf = (servers: readonly string[]) => encodeRecord(recordOf(alice, { servers }), NETWORK)

/** A record whose servers are these bytes, whatever they are. */
function payloadWith(servers: Uint8Array): Uint8Array {
  const [whole, real] = [payloadOf(['ws://a/']), encodeServers(['ws://a/'])]
  const at = Buffer.from(whole).indexOf(real)
  return concatBytes(whole.subarray(0, at), servers, whole.subarray(at + real.byteLength))
}
const listed = (...urls: string[]) => concatBytes(encodeVarint(urls.length), ...urls.map((url) => lengthPrefixed(utf8(url))))
const ofBytes = (bytes: number) => `ws://${'a'.repeat(bytes - 'ws:///'.length)}/`

const GOOD = [
  'ws://a/',
  'wss://door.example/',
  'ws://127.0.0.1:6688/',
  'ws://[2001:db8::7]:6688/',
  'wss://xn--bcher-kva.example:8443/swarm/door-1',
]

describe('the servers of a record', () => {
  it.each(GOOD)('take %s and give it back', (url) => {
    expect(checkServers([url])).toEqual([url])
    expect(parseRecord(payloadOf([url]))?.servers).toEqual([url])
  })

  it('are in the order of their texts however they are given, and not there when there are none', () => {
    expect(parseRecord(payloadOf([GOOD[1], GOOD[0]] as string[]))?.servers).toEqual([GOOD[0], GOOD[1]])
    expect(parseRecord(payloadOf([]))).not.toHaveProperty('servers')
  })

  it.each([
    ['http', 'http://a/'],
    ['no scheme', '//a/'],
    ['capitals', 'WS://a/'],
    ['a host in capitals', 'ws://A/'],
    ['a user', 'ws://me@a/'],
    ['a password', 'ws://me:you@a/'],
    ['a query', 'ws://a/?reboot=1'],
    ['a fragment', 'ws://a/#b'],
    ['an escape', 'ws://a/%2e%2e'],
    ['no path', 'ws://a'],
    ['a space', 'ws://a /'],
    ['a line break', 'ws://a/\n'],
    ['letters beyond ASCII', 'ws://bücher.example/'],
    ['no host', 'ws:///'],
    ['port 0', 'ws://a:0/'],
    ['a port with a zero before it', 'ws://a:080/'],
    ['a port of six digits', 'ws://a:100000/'],
    ['a host that ends with a hyphen', 'ws://a-/'],
    ['a page of a browser', 'javascript:alert(1)'],
  ])('are no record with %s', (_, url) => {
    expect(parseRecord(payloadWith(listed(url)))).toBeUndefined()
    expect(() => checkServers([url])).toThrow(TypeError)
  })

  it.each([
    ['the default port', 'ws://a:80/'],
    ['a port beyond all', 'ws://a:65536/'],
    ['an address in another spelling', 'ws://127.1/'],
    ['a path that goes up', 'ws://a/b/../c'],
  ])('are not told with %s, which is spelled otherwise', (_, url) => {
    expect(() => checkServers([url])).toThrow(TypeError)
  })

  it('are at most three of at most 128 bytes', () => {
    const urls = (count: number) => Array.from({ length: count }, (_, index) => `ws://door-${index}/`)
    expect(checkServers(urls(SERVERS_MAX))).toHaveLength(SERVERS_MAX)
    expect(() => checkServers(urls(SERVERS_MAX + 1))).toThrow(RangeError)
    expect(parseRecord(payloadWith(listed(...urls(SERVERS_MAX))))?.servers).toHaveLength(SERVERS_MAX)
    expect(parseRecord(payloadWith(listed(...urls(SERVERS_MAX + 1))))).toBeUndefined()
    expect(checkServers([ofBytes(SERVER_URL_BYTES_MAX)])).toHaveLength(1)
    expect(() => checkServers([ofBytes(SERVER_URL_BYTES_MAX + 1)])).toThrow(RangeError)
    expect(parseRecord(payloadWith(listed(ofBytes(SERVER_URL_BYTES_MAX))))).toBeDefined()
    expect(parseRecord(payloadWith(listed(ofBytes(SERVER_URL_BYTES_MAX + 1))))).toBeUndefined()
  })

  it('have one spelling: none twice, none out of order, never an empty list', () => {
    expect(parseRecord(payloadWith(listed('ws://a/', 'ws://b/')))).toBeDefined()
    expect(parseRecord(payloadWith(listed('ws://b/', 'ws://a/')))).toBeUndefined()
    expect(parseRecord(payloadWith(listed('ws://a/', 'ws://a/')))).toBeUndefined()
    expect(parseRecord(payloadWith(listed()))).toBeUndefined()
  })

  it('fit into a record beside everything else that it can say', () => {
    const record = recordOf(alice, {
      seq: Number.MAX_SAFE_INTEGER,
      links: Array.from({ length: LINKS_MAX }, (_, number) => ({ key: keyPairOf(number + 10).peerId, rttMs: 6553.5 })),
      info: 'x'.repeat(510),
      servers: [1, 2, 3].map((number) => ofBytes(SERVER_URL_BYTES_MAX - 1).replace('/a', `/${number}a`)),
    })
    expect(sealRecord(alice, record, 'n'.repeat(NETWORK_BYTES_MAX)).byteLength).toBeLessThanOrEqual(RECORD_BYTES_MAX)
  })

  it('come through admission, and what is none does not', async () => {
    const { table } = await openTable(2)
    const refused = documentOfEnvelope(alice, envelopeBy({ author: alice, payload: payloadWith(listed('ws://me@a/')) }))
    expect(await table.admit([refused])).toMatchObject([{ refusal: 'shape' }])
    expect(await table.admit([documentOf(alice, { servers: ['ws://a/'] })])).toEqual([{ id: `peer:${alice.peerId}` }])
    expect(table.get(alice.peerId)?.servers).toEqual(['ws://a/'])
    await table.close()
  })

  it('are told by publishing them, and taken back by publishing none', async () => {
    const runtime = createTestRuntime()
    const { table } = await openTable(3, runtime)
    const publish = async (servers: readonly string[]) => {
      await table.publish({ servers })
      await runtime.clock.advance(PUBLISH_GATHER_MS)
    }
    await publish(['ws://b/', 'ws://a/'])
    expect(table.own.servers).toEqual(['ws://a/', 'ws://b/'])
    await publish([])
    expect(parseRecord(encodeRecord(table.own, NETWORK))).not.toHaveProperty('servers')
    await expect(table.publish({ servers: ['http://a/'] })).rejects.toThrow(TypeError)
    table.destroy()
  })
})
