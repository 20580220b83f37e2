import { describe, expect, it } from '@jest/globals'
import type { PeerId, PeerPath, PeerState } from 'resilient-swarm'
import { pathWords, reachOf, reachWords, sparePathWords, summaryWords } from '../src/path-words.ts'

const ruth = `rs1${'abcdefg'.repeat(8)}23` as PeerId
const direct: PeerPath = { kind: 'webrtc', via: undefined, rttMs: 3 }
const circuit: PeerPath = { kind: 'circuit', via: ruth, rttMs: undefined }

it.each([
  ['connected', direct, 'direct', 'direct, webrtc'],
  ['connected', circuit, 'circuit', 'circuit through rs1abcd…fg23'],
  ['reconnecting', direct, 'reconnecting', 'reconnecting …'],
  ['reconnecting', circuit, 'reconnecting', 'reconnecting …'],
] as const)('a peer %s by %j is %s: %j', (state, path, reach, words) => {
  expect(reachOf({ state, path })).toBe(reach)
  expect(reachWords({ state, path })).toBe(words)
})

it('a path of a transport of one’s own is told by its name', () => {
  expect(pathWords({ kind: 'carrier-pigeon', via: undefined })).toBe('direct, carrier-pigeon')
})

it.each([
  [[], ''],
  [[direct], ''],
  [[direct, circuit], '1 spare path'],
  [[direct, circuit, circuit], '2 spare paths'],
])('of the paths %j, %j stand besides the one in use', (paths, words) => {
  expect(sparePathWords(paths)).toBe(words)
})

describe('the line at the top', () => {
  it.each<[PeerState[], string]>([
    [[], 'Connected to nobody yet'],
    [['connected'], 'Connected to 1 peer'],
    [['connected', 'connected'], 'Connected to 2 peers'],
    [['connected', 'reconnecting', 'reconnecting'], 'Connected to 1 peer, reconnecting to 2 …'],
    [['reconnecting'], 'Reconnecting to 1 peer …'],
    [['reconnecting', 'reconnecting'], 'Reconnecting to 2 peers …'],
  ])('says of peers who are %j: %j', (states, words) => {
    expect(summaryWords(states.map((state) => ({ state })))).toBe(words)
  })
})
