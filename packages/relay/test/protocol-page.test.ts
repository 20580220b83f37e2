import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { decodeHex, encodeHex, type PeerId, utf8 } from '@resilient-swarm/contract'
import { createTestRuntime, settle } from '@resilient-swarm/testkit'
import { CIRCUIT_END_CODES, type Circuit, createRelay, REFUSAL_CODES, type Relay } from '../src/index.ts'
import { CONTROL_BYTES_MAX, MESSAGE_BYTES_MAX, TARGET_TIMEOUT_MS } from '../src/limits.ts'
import { FRAME_TYPES } from '../src/messages.ts'
import { createFakeRaw, createFakeSubstream, type FakeRaw } from './fake-raw.ts'
import { idOf, keys, type Name } from './three-nodes.ts'

const page = readFileSync(new URL('../../../docs/protocol/relay.md', import.meta.url), 'utf8')

/** The bytes of one ```hex block of the page, without labels and breaks. */
function bytesOf(title: string): string {
  const block = page.match(new RegExp(`^\`\`\`hex ${title}\\n([^\`]*)^\`\`\`$`, 'm'))?.[1]
  if (block === undefined) throw new Error(`the page has no bytes of ${title}`)
  return block.replace(/#.*$/gm, '').replace(/\s/g, '')
}

/** What was written since the last time, as hex. */
const take = (raw: FakeRaw | undefined) => {
  const hex = raw?.hex ?? ''
  raw?.written.splice(0)
  return hex
}

/** Three nodes whose substreams end in the test, which carries the bytes. */
function createConversation() {
  const runtime = createTestRuntime()
  const opened: { by: Name; raw: FakeRaw }[] = []
  const incoming: Circuit[] = []
  const create = (name: Name): Relay =>
    createRelay({
      self: idOf(name),
      runtime: { ...runtime, random: { ...runtime.random, bytes: (count) => new Uint8Array(count).fill(0x5c) } },
      serve: name === 'ruth',
      openSubstream: (_peer: PeerId) => {
        const raw = createFakeRaw()
        opened.push({ by: name, raw })
        return createFakeSubstream(raw)
      },
      isDirect: () => true,
      judgeIncoming: () => 'accept',
      onCircuit: ({ circuit }) => incoming.push(circuit),
    })
  const receive = (relay: Relay, from: Name) => {
    const raw = createFakeRaw()
    relay.receive(idOf(from), createFakeSubstream(raw))
    return raw
  }
  const nodes = { alice: create('alice'), ruth: create('ruth'), bob: create('bob') }
  return { nodes, opened, incoming, receive, runtime }
}

describe('docs/protocol/relay.md', () => {
  it('shows every byte of its example', async () => {
    const { nodes, opened, incoming, receive, runtime } = createConversation()
    const dialled = nodes.alice.dial({ relay: idOf('ruth'), target: idOf('bob') })
    const alice = opened[0]?.raw as FakeRaw
    const connect = take(alice)
    expect(connect).toBe(bytesOf('CONNECT'))

    const ruthToAlice = receive(nodes.ruth, 'alice')
    ruthToAlice.onBytes(decodeHex(connect))
    const ruthToBob = opened[1]?.raw as FakeRaw
    const brought = take(ruthToBob)
    expect(brought).toBe(bytesOf('INCOMING'))

    const bob = receive(nodes.bob, 'ruth')
    bob.onBytes(decodeHex(brought))
    const accepted = take(bob)
    expect(accepted).toBe(bytesOf('ACCEPT of the target'))

    ruthToBob.onBytes(decodeHex(accepted))
    const opening = take(ruthToAlice)
    expect(opening).toBe(bytesOf('ACCEPT of the relay'))
    alice.onBytes(decodeHex(opening))
    const circuit = await dialled
    expect(encodeHex(circuit.binding)).toBe(bytesOf('binding'))
    expect(encodeHex((incoming[0] as Circuit).binding)).toBe(bytesOf('binding'))

    circuit.channel.send(utf8('abc'))
    circuit.channel.send(new Uint8Array(0))
    const messages = take(alice)
    expect(messages).toBe(bytesOf('two messages, the second empty'))
    ruthToAlice.onBytes(decodeHex(messages))
    expect(take(ruthToBob)).toBe(messages)

    await runtime.clock.advance(480_000)
    const renew = take(alice)
    expect(renew).toBe(bytesOf('RENEW'))
    ruthToAlice.onBytes(decodeHex(renew))
    expect(take(ruthToAlice)).toBe(bytesOf('RENEWED'))
    expect(take(ruthToBob)).toBe(bytesOf('RENEWED'))

    void nodes.ruth.drain(5_000)
    expect(take(ruthToAlice)).toBe(bytesOf('DRAIN'))
    expect(take(ruthToBob)).toBe(bytesOf('DRAIN'))

    circuit.channel.close()
    expect(take(alice)).toBe(bytesOf('CLOSE'))
    await runtime.clock.advance(5_000)
    expect(take(ruthToBob)).toBe(bytesOf('END'))
    await settle()
  })

  it('shows a refusal', () => {
    const { nodes, opened, receive } = createConversation()
    const raw = receive(nodes.bob, 'alice')
    void nodes.alice.dial({ relay: idOf('bob'), target: idOf('ruth') })
    raw.onBytes(decodeHex(take(opened[0]?.raw)))
    expect(take(raw)).toBe(bytesOf('REFUSE'))
  })

  it('lists every frame, refusal and end by its number', () => {
    const rowsOf = (title: string) => {
      const section = page.slice(page.indexOf(`## ${title}`))
      const end = section.indexOf('\n## ', 1)
      const rows = (end < 0 ? section : section.slice(0, end)).matchAll(/^\| (\d+) \| (\w+) \|/gm)
      return Object.fromEntries([...rows].map((row) => [row[2], Number(row[1])]))
    }
    const upper = Object.fromEntries(Object.entries(FRAME_TYPES).map(([name, type]) => [name.toUpperCase(), type]))
    expect(rowsOf('Frames')).toEqual(upper)
    expect(rowsOf('Refusal codes')).toEqual(REFUSAL_CODES)
    expect(rowsOf('How a circuit ends')).toEqual(CIRCUIT_END_CODES)
  })

  it('says its limits as they are', () => {
    expect(page).toContain(`at most ${MESSAGE_BYTES_MAX.toLocaleString('en-US')} bytes`)
    expect(page).toContain(`at most ${CONTROL_BYTES_MAX} bytes`)
    expect(page).toContain(`within ${TARGET_TIMEOUT_MS / 1000} s`)
  })

  it('has the keys of its example', () => {
    for (const name of ['alice', 'bob', 'ruth'] as const) expect(encodeHex(keys[name].publicKey)).toBe(bytesOf(`key of ${name}`))
  })
})
