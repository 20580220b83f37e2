import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { CLOSE_CODES, secureChannel } from '@resilient-swarm/cipher-stream'
import { encodeHex, type Runtime } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { encodePrologue } from '../src/handshake.ts'

const page = readFileSync(new URL('../../../docs/protocol/path-handshake.md', import.meta.url), 'utf8')

/** The bytes of one ```hex block of the page, without labels and breaks. */
function bytesOf(title: string): string {
  const block = page.match(new RegExp(`^\`\`\`hex ${title}\\n([^\`]*)^\`\`\`$`, 'm'))?.[1]
  if (block === undefined) throw new Error(`the page has no bytes of ${title}`)
  return block.replace(/#.*$/gm, '').replace(/\s/g, '')
}

/** The only chance in it is the ephemeral key, which here is fixed. */
function fixedRuntime(ephemeral: number, startMs: number): Runtime {
  const runtime = createTestRuntime({ startMs })
  return { ...runtime, random: { ...runtime.random, bytes: (count) => new Uint8Array(count).fill(ephemeral) } }
}

describe('docs/protocol/path-handshake.md', () => {
  const alice = createKeyPair({ seed: new Uint8Array(32).fill(0xa1) })
  const bob = createKeyPair({ seed: new Uint8Array(32).fill(0xb0) })
  const facts = { network: 'public', kind: 'memory', binding: Uint8Array.of(1, 2, 3, 4) }

  it('shows the keys and the prologue as they are', () => {
    expect(encodeHex(alice.publicKey)).toBe(bytesOf('key of alice'))
    expect(encodeHex(alice.dhPublic)).toBe(bytesOf('static key of alice'))
    expect(encodeHex(bob.publicKey)).toBe(bytesOf('key of bob'))
    expect(encodeHex(bob.dhPublic)).toBe(bytesOf('static key of bob'))
    expect(encodeHex(encodePrologue(facts))).toBe(bytesOf('prologue'))
  })

  it('shows every byte that travels from the first to the last', async () => {
    const travelled: string[] = []
    const [left, right] = createChannelPair({ tamper: (message) => [message, ...(travelled.push(encodeHex(message)) ? [] : [])] })
    const [one, other] = await Promise.all([
      secureChannel({
        ...facts,
        channel: left,
        role: 'initiator',
        keyPair: alice,
        runtime: fixedRuntime(0xe1, 1_700_000_000_000),
      }),
      secureChannel({
        ...facts,
        channel: right,
        role: 'responder',
        keyPair: bob,
        runtime: fixedRuntime(0xe2, 1_700_000_000_500),
      }),
    ])
    const heard = new Promise<void>((resolve) => {
      other.onMessage = () => resolve()
    })
    one.send(new TextEncoder().encode('hello'))
    await heard
    other.close()
    await one.closed
    const titles = ['message 1', 'message 2', 'message 3', 'record 0 of alice', 'record 0 of bob']
    expect(travelled).toEqual(titles.map(bytesOf))
    expect(encodeHex(one.handshakeHash)).toBe(bytesOf('handshake hash'))
  })

  it('lists every close code', () => {
    for (const [name, code] of Object.entries(CLOSE_CODES)) expect(page).toContain(`| ${code} | ${name} |`)
  })
})
