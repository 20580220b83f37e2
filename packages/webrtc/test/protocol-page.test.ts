import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { checkCandidate } from '../src/candidate-gate.ts'
import { CLOSE_CODES, decodeControl, encodeControl } from '../src/control.ts'
import { REFUSE_CODES } from '../src/refusal.ts'
import { checkSdp } from '../src/sdp-gate.ts'

const page = readFileSync(new URL('../../../docs/protocol/webrtc.md', import.meta.url), 'utf8')

/** The lines of every block with this name. */
function blocks(name: string): string[][] {
  const found = [...page.matchAll(new RegExp(`^\`\`\`${name}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))]
  expect(found.length).toBeGreaterThan(0)
  return found.map((match) => (match[1] as string).trimEnd().split('\n'))
}

/** The rows `| code | name |` below a heading. */
function codesBelow(heading: string): Record<string, number> {
  const section = page.slice(page.indexOf(`\n## ${heading}\n`)).split(/\n## /)[1] as string
  return Object.fromEntries([...section.matchAll(/^\| (\d+) \| (\w+) \|/gm)].map(([, code, name]) => [name, Number(code)]))
}

describe('docs/protocol/webrtc.md', () => {
  it('shows a description as it is written', () => {
    const [lines = []] = blocks('sdp')
    const checked = checkSdp(lines.join('\n'))
    expect(checked.sdp).toBe(`${lines.join('\r\n')}\r\n`)
    expect([...checked.fingerprint]).toEqual(Array.from({ length: 32 }, (_, byte) => byte))
  })

  it('shows candidates as they come and as they are written', () => {
    for (const [given, written] of blocks('candidate')) expect(checkCandidate(given, { mdns: false })).toBe(written)
  })

  it('shows candidates that are of no use', () => {
    for (const line of blocks('refused').flat()) expect(checkCandidate(line, { mdns: true })).toBeUndefined()
  })

  it('names every refusal and every close code', () => {
    expect(codesBelow('Refusals')).toEqual(REFUSE_CODES)
    expect(codesBelow('Messages')).toEqual(CLOSE_CODES)
  })

  it('shows every text of the channel', () => {
    const texts = [...page.matchAll(/^\| `([a-z]+(?: \d+)?)` \|/gm)].map((match) => match[1] as string)
    const controls = texts.map((text) => decodeControl(text)).filter((control) => control !== undefined)
    expect(controls.map((control) => encodeControl(control))).toEqual(['close 0', 'closed', 'ping', 'pong'])
  })
})
