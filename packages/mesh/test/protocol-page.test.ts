import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { createKeyPair } from '@resilient-swarm/identity'
import { isProof, nameCopy, proveDelivery } from '../src/acknowledge.ts'
import { hopName } from '../src/neighbour.ts'
import { encodeWay, parseSignal } from '../src/parse-signal.ts'

const page = readFileSync(new URL('../../../docs/protocol/signals.md', import.meta.url), 'utf8')
const alice = createKeyPair({ seed: new Uint8Array(32).fill(0xa1) })
const bob = createKeyPair({ seed: new Uint8Array(32).fill(0xb0) })

/** The one block of this kind and title. */
function blockOf(title: string): string {
  const block = page.match(new RegExp(`^\`\`\`${title}\\n([^\`]*)\\n\`\`\`$`, 'm'))?.[1]
  if (block === undefined) throw new Error(`the page has no block '${title}'`)
  return block
}

describe('docs/protocol/signals.md', () => {
  it('shows a signal as it is handed on', () => {
    const args = JSON.parse(blockOf('json signal'))
    const signal = parseSignal(args)
    expect(signal).toMatchObject({ to: bob.peerId, route: [hopName(alice.peerId), hopName(bob.peerId)], ttl: 14, round: 0 })
    expect([signal.to, signal.id, signal.box, encodeWay(signal)]).toEqual(args)
  })

  it('shows what is told of that copy, and the proof of the example’s box', () => {
    const [copy, proof] = JSON.parse(blockOf('json signalled'))
    expect(copy).toBe(nameCopy(parseSignal(JSON.parse(blockOf('json signal')))))
    expect(proof).toBe(proveDelivery({ attempt: blockOf('hex attempt'), id: blockOf('hex id') }))
    expect(blockOf('hex proof')).toBe(proof)
    expect(isProof(proof)).toBe(true)
  })

  it('lists every refusal', () => {
    const source = readFileSync(new URL('../src/forwarder.ts', import.meta.url), 'utf8')
    const codes = new Set([...source.matchAll(/ERR_SIGNAL_\w+/g)].map(([code]) => code))
    const listed = [...page.matchAll(/^\| `(ERR_SIGNAL_\w+)` \|/gm)].map(([, code]) => code)
    expect(new Set(listed)).toEqual(codes.add('ERR_SIGNAL_MALFORMED'))
  })
})
