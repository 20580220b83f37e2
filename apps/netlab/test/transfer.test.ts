import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import type { Substream } from 'resilient-swarm'
import { createSeededBytes } from '../src/seeded-bytes.ts'
import { receiveTransfer, sendTransfer } from '../src/transfer.ts'

const MIB = 1024 * 1024

/** One direction of a substream, with a hand in the middle. */
function createPipe(change: (chunk: Uint8Array, index: number) => readonly Uint8Array[] = (chunk) => [chunk]) {
  let index = 0
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      for (const part of change(chunk, index++)) controller.enqueue(part)
    },
  })
  return { readable, writable } as unknown as Substream
}

async function transfer(pipe: Substream, bytes: number) {
  const progress: number[] = []
  const receiving = receiveTransfer(pipe, (count) => void progress.push(count))
  const [sent, received] = await Promise.all([sendTransfer(pipe, { bytes, seed: 5 }), receiving])
  return { sent, received, progress }
}

describe('a transfer', () => {
  it('arrives with the hash of the bytes that anybody can make from the seed', async () => {
    const bytes = 2 * MIB + 5
    const { sent, received, progress } = await transfer(createPipe(), bytes)
    expect(received.bytes).toBe(bytes)
    expect(received.sha256).toBe(sent.sha256)
    expect(progress).toEqual([MIB, 2 * MIB])
    const again = createSeededBytes(5)
    const hash = createHash('sha256')
    for (let made = 0; made < bytes; made += 16 * 1024) hash.update(again(Math.min(16 * 1024, bytes - made)))
    expect(hash.digest('hex')).toBe(sent.sha256)
  })

  it.each([
    ['a lost chunk', (chunk: Uint8Array, index: number) => (index === 3 ? [] : [chunk])],
    ['a chunk that comes twice', (chunk: Uint8Array, index: number) => (index === 3 ? [chunk, chunk] : [chunk])],
    ['a changed byte', (chunk: Uint8Array, index: number) => [index === 3 ? chunk.map((byte) => byte ^ 1) : chunk]],
  ])('shows %s', async (_, change) => {
    const { sent, received } = await transfer(createPipe(change), MIB)
    expect(received.sha256).not.toBe(sent.sha256)
  })

  it('rejects on both sides when the substream is lost', async () => {
    const pipe = createPipe((chunk, index) => {
      if (index === 3) throw new Error('lost')
      return [chunk]
    })
    const receiving = receiveTransfer(pipe, () => {})
    receiving.catch(() => {})
    await expect(sendTransfer(pipe, { bytes: MIB, seed: 5 })).rejects.toThrow('lost')
    await expect(receiving).rejects.toThrow('lost')
  })
})
