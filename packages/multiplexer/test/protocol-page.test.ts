import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { encodeHex, type Substream, utf8 } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle } from '@resilient-swarm/testkit'
import { CLOSE_CODES, createMultiplexer, toChannel } from '../src/index.ts'

const page = readFileSync(new URL('../../../docs/protocol/multiplexer.md', import.meta.url), 'utf8')

/** The bytes of one ```hex block of the page, without labels and breaks. */
function bytesOf(title: string): string {
  const block = page.match(new RegExp(`^\`\`\`hex ${title}\\n([^\`]*)^\`\`\`$`, 'm'))?.[1]
  if (block === undefined) throw new Error(`the page has no bytes of ${title}`)
  return block.replace(/#.*$/gm, '').replace(/\s/g, '')
}

/** A conversation, and every message of it that left either side, in order. */
function createConversation() {
  const travelled: string[] = []
  const tamper = (message: Uint8Array) => {
    travelled.push(encodeHex(message))
    return [message]
  }
  const [a, b] = createChannelPair({ tamper })
  const received: Substream[] = []
  const common = { runtime: createTestRuntime(), onSubstream: (substream: Substream) => received.push(substream) }
  const alice = createMultiplexer({ ...common, channel: a, role: 'initiator' })
  const bob = createMultiplexer({ ...common, channel: b, role: 'responder', limits: { substreamsInMax: 1 } })
  const next = async () => {
    await settle()
    return travelled.splice(0)
  }
  return { alice, bob, received, next }
}

describe('docs/protocol/multiplexer.md', () => {
  it('shows every byte of its example', async () => {
    const { alice, bob, received, next } = createConversation()
    const chat = alice.openSubstream('chat').raw()
    chat.write(Uint8Array.of(1, 2, 3))
    expect(await next()).toEqual([bytesOf('open and write')])
    const answer = (received[0] as Substream).raw()
    answer.onBytes = (bytes) => answer.consume(bytes.byteLength)
    answer.write(Uint8Array.of(0xff, 0xfe))
    answer.end()
    expect(await next()).toEqual([bytesOf('answer and end')])
    bob.openSubstream('db')
    expect(await next()).toEqual([bytesOf('open from the other side')])
    chat.write(new Uint8Array(131_072))
    expect((await next()).filter((message) => message.length < 50)).toEqual([bytesOf('credit')])
    chat.reset()
    expect(await next()).toEqual([bytesOf('reset')])
  })

  it('shows an open without a byte, and its refusal', async () => {
    const { alice, next } = createConversation()
    alice.openSubstream('chat')
    await next()
    alice.openSubstream('chat').raw().end()
    expect(await next()).toEqual([bytesOf('open and end'), bytesOf('refused')])
  })

  it('shows messages over a substream', async () => {
    const { alice, received } = createConversation()
    const channel = toChannel(alice.openSubstream('chat'))
    channel.send(utf8('abc'))
    channel.send(new Uint8Array(0))
    await settle()
    let seen = ''
    const raw = (received[0] as Substream).raw()
    raw.onBytes = (bytes) => {
      seen += encodeHex(bytes)
    }
    expect(seen).toBe(bytesOf('two messages, the second empty'))
  })

  it('lists every close code by its number', () => {
    const codes = [...page.slice(page.indexOf('## Close codes')).matchAll(/^\| (\d+) \| (\w+) \|/gm)]
    expect(Object.fromEntries(codes.map((row) => [row[2], Number(row[1])]))).toEqual(CLOSE_CODES)
  })
})
