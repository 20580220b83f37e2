import { type Duplex, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it } from '@jest/globals'
import { concatBytes, decodeUtf8, equalBytes, SwarmError } from '@resilient-swarm/contract'
import { settle } from '@resilient-swarm/testkit'
import { INITIAL_CREDIT_BYTES, WRITE_HIGH_WATER_BYTES } from '../src/limits.ts'
import { toDuplex } from '../src/node.ts'
import { createSubstreamPair } from './pair.ts'

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31) & 0xff)

async function openDuplexes() {
  const pair = await createSubstreamPair()
  return { ...pair, a: toDuplex(pair.outgoing), b: toDuplex(pair.received) }
}

/** Not `for await`: that destroys a Duplex whose other half is still open. */
async function readToEnd(duplex: Duplex): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  duplex.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  await new Promise((resolve) => duplex.once('end', resolve))
  return concatBytes(...chunks)
}

describe('toDuplex', () => {
  it('carries a pipeline there and back', async () => {
    const { a, b, outgoing } = await openDuplexes()
    const source = bytesOf(3_000_000)
    const chunks = Array.from({ length: 100 }, (_, index) => source.subarray(index * 30_000, (index + 1) * 30_000))
    const back: Uint8Array[] = []
    const sink = new Writable({
      write(chunk: Uint8Array, _encoding, done) {
        back.push(chunk)
        setImmediate(done)
      },
    })
    await Promise.all([pipeline(b, b), pipeline(Readable.from(chunks), a, sink)])
    expect(equalBytes(concatBytes(...back), source)).toBe(true)
    expect(await outgoing.closed).toEqual({ kind: 'finished' })
  })

  it('ends one way and goes on the other', async () => {
    const { a, b } = await openDuplexes()
    a.end('question')
    expect(decodeUtf8(await readToEnd(b))).toBe('question')
    b.end('answer')
    expect(decodeUtf8(await readToEnd(a))).toBe('answer')
  })

  it('holds no more than credit for a reader that waits, then gives it all', async () => {
    const { a, b } = await openDuplexes()
    let written = 0
    const more = () => {
      while (written < 2_000_000) {
        written += 20_000
        if (!a.write(new Uint8Array(20_000).fill(1))) return
      }
      a.end()
    }
    a.on('drain', more)
    more()
    await settle()
    expect(b.readableLength).toBeLessThanOrEqual(INITIAL_CREDIT_BYTES)
    expect(written).toBeLessThan(INITIAL_CREDIT_BYTES + 4 * WRITE_HIGH_WATER_BYTES)
    expect((await readToEnd(b)).byteLength).toBe(written)
    expect(written).toBeGreaterThanOrEqual(2_000_000)
  })

  it('gives credit back to a reader who takes byte by byte', async () => {
    const { a, b } = await openDuplexes()
    void pipeline(Readable.from([new Uint8Array(1_000_000)]), a).catch(() => {})
    let read = 0
    b.on('readable', () => {
      for (let chunk = b.read(1000) as Buffer | null; chunk; chunk = b.read(1000) as Buffer | null) read += chunk.byteLength
    })
    await new Promise((resolve) => b.once('end', resolve))
    expect(read).toBe(1_000_000)
  })

  it('lets a writer use its buffer again after the callback', async () => {
    const { a, b } = await openDuplexes()
    const buffer = new Uint8Array(10).fill(1)
    a.write(buffer, () => buffer.fill(9))
    a.end()
    expect(await readToEnd(b)).toEqual(new Uint8Array(10).fill(1))
  })

  it('resets when it is destroyed, and tells the other side', async () => {
    const { a, b, received } = await openDuplexes()
    const lost = new Promise<Error>((resolve) => b.once('error', resolve))
    a.on('error', () => {})
    a.destroy(new Error('enough'))
    expect(await lost).toMatchObject({ code: 'ERR_SUBSTREAM_RESET' })
    expect(await received.closed).toEqual({ kind: 'reset', by: 'peer', code: 0 })
  })

  it('fails a write that waits when the session ends', async () => {
    const { a, b, alice } = await openDuplexes()
    for (const end of [a, b]) end.on('error', () => {})
    const failed = new Promise<Error | null | undefined>((resolve) => a.write(new Uint8Array(2_000_000), resolve))
    await settle()
    alice.abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
    expect(await failed).toMatchObject({ code: 'ERR_SUBSTREAM_RESET' })
  })
})
