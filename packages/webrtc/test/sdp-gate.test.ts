import { describe, expect, it } from '@jest/globals'
import { SwarmError } from '@resilient-swarm/contract'
import { quickestMs } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { MESSAGE_BYTES_MAX, SDP_BYTES_MAX } from '../src/limits.ts'
import { candidateLines, checkAnswer, checkSdp, withoutCandidates, writeSdp } from '../src/sdp-gate.ts'
import { FINGERPRINT, OURS, WRITTEN_BY } from './sdp-samples.ts'

const RUNS = { numRuns: 1000, seed: Date.now() }

describe('checkSdp', () => {
  for (const [name, sdp] of Object.entries(WRITTEN_BY)) {
    it(`takes what ${name} writes, and writes it anew`, () => {
      const checked = checkSdp(sdp)
      expect(checked.fingerprint).toEqual(FINGERPRINT)
      expect(checked.sdp).toBe(writeSdp(checked))
      expect(checkSdp(checked.sdp)).toEqual({ ...checked, candidates: [] })
    })
  }

  it('hands on the candidates that were in it, and nothing else that it does not know', () => {
    const checked = checkSdp(WRITTEN_BY['node-datachannel'].replace('a=sendrecv\r\n', 'a=sendrecv\r\na=x-mallory:hello\r\n'))
    expect(checked.candidates).toEqual(['candidate:1 1 UDP 2114977791 192.0.2.2 42352 typ host'])
    expect(checked.sdp).not.toContain('mallory')
    expect(checked.sdp).not.toContain('candidate')
  })

  const line = (name: string) => new RegExp(`a=${name}:[^\r]*\r\n`)
  const print = line('fingerprint').exec(OURS)?.[0] ?? ''
  const hostile: Record<string, unknown> = {
    'no text': 42,
    'an empty text': '',
    'a second fingerprint': OURS.replace(print, print + print.replace('00:08', '01:08')),
    'the same fingerprint twice': OURS.replace(print, print + print),
    'a second fingerprint outside the section': OURS.replace('t=0 0\r\n', `t=0 0\r\n${print}`),
    'a fingerprint of another hash': OURS.replace('sha-256', 'sha-1'),
    'a fingerprint of another hash beside it': OURS.replace(print, `${print}a=fingerprint:sha-1 00:11\r\n`),
    'a short fingerprint': OURS.replace(':F8', ''),
    'no fingerprint': OURS.replace(print, ''),
    'no section': OURS.replace(/m=.*\r\n/, ''),
    'a second section': OURS.replace('m=', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nm='),
    'an audio section': `${OURS}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n`,
    'an audio section only': OURS.replace('m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'm=audio 9 UDP/TLS/RTP/SAVPF 111'),
    'a section that was rejected': OURS.replace('m=application 9', 'm=application 0'),
    'no setup': OURS.replace(line('setup'), ''),
    'two setups': OURS.replace('a=setup:actpass', 'a=setup:actpass\r\na=setup:active'),
    'setup holdconn': OURS.replace('actpass', 'holdconn'),
    'a short password': OURS.replace('a'.repeat(22), 'a'.repeat(21)),
    'a user fragment with a space': OURS.replace('alic', 'al ic'),
    'a long mid': OURS.replace('a=mid:0', 'a=mid:0000'),
    'SCTP port 0': OURS.replace('5000', '0'),
    'SCTP port 65536': OURS.replace('5000', '65536'),
    'a line that is no SDP': `${OURS}hello\r\n`,
    'a control character': OURS.replace('s=-', 's=\u0000'),
    'a letter outside ASCII': OURS.replace('s=-', 's=ü'),
  }
  for (const [name, sdp] of Object.entries(hostile)) {
    it(`refuses ${name}`, () => {
      expect(sdp).not.toBe(OURS)
      expect(() => checkSdp(sdp)).toThrow(expect.objectContaining({ code: 'ERR_WEBRTC_SDP' }))
    })
  }

  it(`takes ${SDP_BYTES_MAX} characters and refuses one more`, () => {
    const filled = (length: number) => `${OURS}a=x:${'y'.repeat(length - OURS.length - 6)}\r\n`
    expect(filled(SDP_BYTES_MAX)).toHaveLength(SDP_BYTES_MAX)
    expect(checkSdp(filled(SDP_BYTES_MAX)).sdp).toBe(OURS)
    expect(() => checkSdp(filled(SDP_BYTES_MAX + 1))).toThrow(SwarmError)
  })

  it('wants room for a whole message, where 0 is no limit and silence 64 KiB', () => {
    const withSize = (bytes: number) => checkSdp(OURS.replace('262144', String(bytes))).messageBytesMax
    expect(withSize(MESSAGE_BYTES_MAX)).toBe(MESSAGE_BYTES_MAX)
    expect(() => withSize(MESSAGE_BYTES_MAX - 1)).toThrow(SwarmError)
    expect(withSize(0)).toBe(0)
    expect(withSize(9_999_999_999)).toBe(2 ** 31 - 1)
    expect(checkSdp(OURS.replace(line('max-message-size'), '')).messageBytesMax).toBe(65_536)
  })

  it('ends in facts or in one typed error for every text, within 50 ms', () => {
    const lines = OURS.split('\r\n')
    const mutated = fc
      .array(fc.tuple(fc.nat(lines.length - 1), fc.constantFrom(0, 1, 2, 3), fc.string()), { maxLength: 4 })
      .map((edits) => {
        const text = [...lines]
        for (const [index, edit, noise] of edits) {
          if (edit === 0) text.splice(index, 1)
          else if (edit === 1) text.splice(index, 0, lines[index] ?? '')
          else if (edit === 2) text[index] = (text[index] ?? '') + noise
          else text[index] = noise
        }
        return text.join('\r\n')
      })
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 64 * 1024 }), mutated, fc.anything()), (sdp) => {
        expect(quickestMs(() => expectFactsOrRefusal(sdp))).toBeLessThan(50)
      }),
      RUNS,
    )
  })
})

describe('checkAnswer', () => {
  it('takes both DTLS roles and refuses to leave them open', () => {
    for (const setup of ['active', 'passive']) expect(checkAnswer(OURS.replace('actpass', setup)).setup).toBe(setup)
    expect(() => checkAnswer(OURS)).toThrow(SwarmError)
  })
})

describe('our own description', () => {
  it('is parted from its candidates', () => {
    const sdp = WRITTEN_BY['node-datachannel']
    expect(candidateLines(sdp)).toEqual(['a=candidate:1 1 UDP 2114977791 192.0.2.2 42352 typ host'])
    expect(withoutCandidates(sdp)).not.toMatch(/candidate/)
    expect(candidateLines(undefined)).toEqual([])
  })
})

function expectFactsOrRefusal(sdp: unknown): void {
  try {
    const checked = checkSdp(sdp)
    expect(checked.fingerprint).toHaveLength(32)
    expect(checkSdp(checked.sdp).sdp).toBe(checked.sdp)
  } catch (error) {
    expect(error).toMatchObject({ name: 'SwarmError', code: 'ERR_WEBRTC_SDP' })
  }
}
