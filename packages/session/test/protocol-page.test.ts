import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { encodeHex, type Runtime, SwarmError, utf8 } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle } from '@resilient-swarm/testkit'
import { FRAME_TYPES } from '../src/frame.ts'
import { CLOSE_CODES, createSession, readHello } from '../src/index.ts'
import { ACK_DELAY_MS } from '../src/limits.ts'
import { DIRECT } from './pair.ts'

const page = readFileSync(new URL('../../../docs/protocol/session.md', import.meta.url), 'utf8')

/** The bytes of one ```hex block of the page, without labels and breaks. */
function bytesOf(title: string): string {
  const block = page.match(new RegExp(`^\`\`\`hex ${title}\\n([^\`]*)^\`\`\`$`, 'm'))?.[1]
  if (block === undefined) throw new Error(`the page has no bytes of ${title}`)
  return block.replace(/#.*$/gm, '').replace(/\s/g, '')
}

/** Chance in it is a tag of 16 bytes and ids of six; both are fixed. */
function fixedRuntime(runtime: Runtime, tagByte: number): Runtime {
  const bytes = (count: number) => (count === 16 ? new Uint8Array(16).fill(tagByte) : Uint8Array.of(1, 2, 3, 4, 5, 6))
  return { ...runtime, random: { ...runtime.random, bytes } }
}

async function createConversation() {
  const clock = createTestRuntime()
  const travelled: { from: string; bytes: string }[] = []
  const [near, far] = createChannelPair({
    tamper(message, from) {
      travelled.push({ from, bytes: encodeHex(message) })
      return [message]
    },
  })
  const [alice, bob] = [
    createSession({ runtime: fixedRuntime(clock, 0xa1) }),
    createSession({ runtime: fixedRuntime(clock, 0xb0) }),
  ]
  for (const session of [alice, bob]) session.onMessage = () => {}
  const added = alice.addPath({ channel: near, facts: DIRECT })
  const accepted = bob.acceptPath({ channel: far, facts: DIRECT, hello: await readHello({ channel: far, runtime: clock }) })
  await added
  const next = async (ms = 0) => {
    if (ms > 0) await clock.clock.advance(ms)
    else await settle()
    return travelled.splice(0).map(({ from, bytes }) => `${from} ${bytes}`)
  }
  return { alice, bob, accepted, next }
}

describe('docs/protocol/session.md', () => {
  it('shows every byte of its example', async () => {
    const { alice, bob, accepted, next } = await createConversation()
    const [ping, pong] = [bytesOf('ping'), bytesOf('pong')]
    expect((await next()).sort()).toEqual(
      [
        `alice ${bytesOf('hello of alice')}`,
        `bob ${bytesOf('hello of bob')}`,
        `alice ${ping}`,
        `bob ${ping}`,
        `alice ${pong}`,
        `bob ${pong}`,
      ].sort(),
    )
    alice.send(utf8('hello'))
    expect(await next()).toEqual([`alice ${bytesOf('data of alice')}`])
    bob.send(utf8('hi'))
    expect(await next()).toEqual([`bob ${bytesOf('data of bob')}`])
    expect(await next(ACK_DELAY_MS)).toEqual([`alice ${bytesOf('ack of alice')}`])
    accepted.retire()
    expect(await next()).toEqual([`bob ${bytesOf('drain')}`])
  })

  it('shows both ends', async () => {
    const { alice, bob, next } = await createConversation()
    alice.send(utf8('hello'))
    await settle()
    bob.send(utf8('hi'))
    await next()
    bob.close({ by: 'us', code: 7 })
    expect(await next()).toEqual([`bob ${bytesOf('close of bob')}`, `alice ${bytesOf('last ack of alice')}`])
    const other = await createConversation()
    await other.next()
    other.bob.abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
    expect(await other.next()).toEqual([`bob ${bytesOf('abort')}`])
  })

  it('lists every frame and every close code by its number', () => {
    const rows = (from: string, to: string) =>
      [...page.slice(page.indexOf(from), page.indexOf(to)).matchAll(/^\| (\d+) \| (\w+) \|/gm)].map((row) => [
        row[2],
        Number(row[1]),
      ])
    expect(Object.fromEntries(rows('## Frames', '## A path').map(([name, type]) => [String(name).toLowerCase(), type]))).toEqual(
      FRAME_TYPES,
    )
    expect(Object.fromEntries(rows('## Close codes', '## An example'))).toEqual(CLOSE_CODES)
  })
})
