import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { checkCandidate } from '../src/candidate-gate.ts'
import { CANDIDATE_BYTES_MAX } from '../src/limits.ts'

const RUNS = { numRuns: 1000, seed: Date.now() }
const HOST = 'candidate:1 1 udp 2114977791 192.0.2.2 42352 typ host'
const MDNS = 'candidate:1 1 udp 2113937151 3b6c1b2e-0f6d-4a55-9f0e-2a8f2d1c7e10.local 50000 typ host'

describe('checkCandidate', () => {
  const useful: [string, string][] = [
    [HOST, HOST],
    [`a=${HOST}`, HOST],
    [HOST.replace('udp', 'UDP'), HOST],
    [`${HOST} generation 0 ufrag abcd network-id 1 network-cost 10`, HOST],
    [HOST.replace('192.0.2.2', 'FD00::2'), HOST.replace('192.0.2.2', 'fd00::2')],
    [HOST.replace('192.0.2.2', '::ffff:192.0.2.2'), HOST.replace('192.0.2.2', '::ffff:192.0.2.2')],
    [`${HOST.replace('host', 'srflx')} raddr 10.0.0.7 rport 4000`, `${HOST.replace('host', 'srflx')} raddr 0.0.0.0 rport 0`],
    [`${HOST.replace('host', 'relay')} raddr 10.0.0.7 rport 4000`, `${HOST.replace('host', 'relay')} raddr 0.0.0.0 rport 0`],
  ]
  for (const [candidate, written] of useful) {
    it(`writes ${candidate} anew`, () => {
      expect(checkCandidate(candidate, { mdns: false })).toBe(written)
    })
  }

  it('takes an mDNS name only where names can be used', () => {
    expect(checkCandidate(MDNS, { mdns: true })).toBe(MDNS)
    expect(checkCandidate(MDNS, { mdns: false })).toBeUndefined()
  })

  const useless: Record<string, unknown> = {
    'no text': { toString: () => HOST },
    'an empty text': '',
    TCP: 'candidate:1 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active',
    'the second component': HOST.replace('1 1 udp', '1 2 udp'),
    'a host name': HOST.replace('192.0.2.2', 'mallory.example'),
    'a name under .local that no browser makes': HOST.replace('192.0.2.2', 'printer.local'),
    'an octet of 256': HOST.replace('192.0.2.2', '192.0.2.256'),
    'three octets': HOST.replace('192.0.2.2', '192.0.2'),
    'five octets': HOST.replace('192.0.2.2', '192.0.2.2.2'),
    'an octal octet': HOST.replace('192.0.2.2', '192.0.2.02'),
    'a final dot': HOST.replace('192.0.2.2', '192.0.2.2.'),
    'a broken IPv6 address': HOST.replace('192.0.2.2', 'fd00:::2'),
    'an IPv6 zone': HOST.replace('192.0.2.2', 'fe80::1%eth0'),
    'port 0': HOST.replace('42352', '0'),
    'port 65536': HOST.replace('42352', '65536'),
    'a priority over 32 bits': HOST.replace('2114977791', '4294967296'),
    'an unknown type': HOST.replace('host', 'mallory'),
    'a second line': `${HOST}\r\na=fingerprint:sha-256 00`,
  }
  for (const [name, candidate] of Object.entries(useless)) {
    it(`takes no candidate with ${name}`, () => {
      expect(checkCandidate(candidate, { mdns: true })).toBeUndefined()
    })
  }

  it(`takes ${CANDIDATE_BYTES_MAX} characters and no more`, () => {
    const filled = (length: number) => `${HOST} x ${'y'.repeat(length - HOST.length - 3)}`
    expect(checkCandidate(filled(CANDIDATE_BYTES_MAX), { mdns: false })).toBe(HOST)
    expect(checkCandidate(filled(CANDIDATE_BYTES_MAX + 1), { mdns: false })).toBeUndefined()
  })

  it('gives one clean line or nothing for every text', () => {
    const mutated = fc
      .tuple(fc.nat(HOST.length), fc.nat(4), fc.string())
      .map(([at, cut, noise]) => HOST.slice(0, at) + noise + HOST.slice(at + cut))
    fc.assert(
      fc.property(fc.oneof(fc.string(), mutated, fc.anything()), fc.boolean(), (candidate, mdns) => {
        const checked = checkCandidate(candidate, { mdns })
        if (checked === undefined) return
        expect(checked).toMatch(
          /^candidate:[\w+/]+ 1 udp \d+ [0-9a-f.:-]+(?:local)? \d+ typ (?:host|(?:srflx|prflx|relay) raddr 0\.0\.0\.0 rport 0)$/,
        )
        expect(checkCandidate(checked, { mdns })).toBe(checked)
      }),
      RUNS,
    )
  })
})
