import { describe, expect, it } from '@jest/globals'
import { concatBytes, equalBytes, type RawSubstream, type Substream, type SubstreamEnd } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import type { Multiplexer } from '../src/index.ts'
import { createMultiplexer } from '../src/index.ts'
import { INITIAL_CREDIT_BYTES } from '../src/limits.ts'

const SEED = Date.now()
const RUNS = 1000

type Side = 'alice' | 'bob'
type Step =
  | { readonly kind: 'open'; readonly side: Side }
  | { readonly kind: 'write'; readonly side: Side; readonly pick: number; readonly size: number }
  | { readonly kind: 'end' | 'reset' | 'read'; readonly side: Side; readonly pick: number }
  | { readonly kind: 'settle' }

const side = fc.constantFrom<Side>('alice', 'bob')
const pick = fc.nat({ max: 20 })
const size = fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 20_000 }), fc.nat({ max: 200_000 }))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const), side }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), side, pick, size }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('end' as const, 'read' as const, 'read' as const), side, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), side, pick }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'settle' as const }) },
)

/** The slow twin: one end of a substream as it ought to be, every byte kept. */
class End {
  readonly raw: RawSubstream
  readonly written: Uint8Array[] = []
  readonly received: Uint8Array[] = []
  unread = 0
  mostUnread = 0
  reading = false
  hasEnded = false
  sawEnd = false
  closed: SubstreamEnd | undefined
  peer: End | undefined

  constructor(substream: Substream) {
    this.raw = substream.raw()
    void substream.closed.then((end) => {
      this.closed = end
    })
    this.raw.onBytes = (bytes) => {
      expect(this.sawEnd).toBe(false)
      this.received.push(bytes.slice())
      this.unread += bytes.byteLength
      this.mostUnread = Math.max(this.mostUnread, this.unread)
      if (this.reading) this.read()
    }
    this.raw.onEnd = () => {
      expect(this.sawEnd).toBe(false)
      this.sawEnd = true
    }
  }

  read(): void {
    const count = this.unread
    this.unread = 0
    this.raw.consume(count)
  }

  write(bytes: Uint8Array): void {
    if (this.hasEnded || this.closed) return
    this.written.push(bytes.slice())
    this.raw.write(bytes)
  }
}

class World {
  readonly ends: Record<Side, End[]> = { alice: [], bob: [] }
  readonly multiplexers: Record<Side, Multiplexer>
  readonly #opened: Record<Side, End[]> = { alice: [], bob: [] }
  #noise = 0

  constructor() {
    const [a, b] = createChannelPair({ maxMessageBytes: 5000, highWaterBytes: 12_000 })
    const runtime = createTestRuntime()
    const accept = (by: Side, opener: Side) => (substream: Substream) => {
      const end = new End(substream)
      const peer = this.#opened[opener].shift() as End
      end.peer = peer
      peer.peer = end
      this.ends[by].push(end)
    }
    const bufferedBytesMax = 64 * 1024 * 1024 // the bound over all substreams has its own test
    const common = { runtime, limits: { bufferedBytesMax } }
    this.multiplexers = {
      alice: createMultiplexer({ ...common, channel: a, role: 'initiator', onSubstream: accept('alice', 'bob') }),
      bob: createMultiplexer({ ...common, channel: b, role: 'responder', onSubstream: accept('bob', 'alice') }),
    }
  }

  async run(step: Step): Promise<void> {
    if (step.kind === 'settle') return settle()
    const { side } = step
    if (step.kind === 'open') {
      if (this.#opened[side].length + this.ends[side].length >= 30) return
      const end = new End(this.multiplexers[side].openSubstream('model'))
      this.#opened[side].push(end)
      this.ends[side].push(end)
      return
    }
    const end = this.ends[side][step.pick % Math.max(1, this.ends[side].length)]
    if (!end) return
    if (step.kind === 'write') end.write(this.#bytes(step.size))
    else if (step.kind === 'read') end.read()
    else if (step.kind === 'reset') end.raw.reset()
    else {
      end.hasEnded = true
      end.raw.end()
    }
  }

  /** Everybody reads and ends; then what is left to compare can be compared. */
  async finish(): Promise<void> {
    await settle()
    for (const end of [...this.ends.alice, ...this.ends.bob]) {
      end.reading = true
      end.read()
      end.raw.end()
    }
    for (
      let round = 0;
      round < 100 && this.multiplexers.alice.substreams.length + this.multiplexers.bob.substreams.length > 0;
      round++
    ) {
      await settle()
    }
  }

  #bytes(size: number): Uint8Array {
    const first = this.#noise++ * 31
    return new Uint8Array(size).map((_, index) => first + index * 7)
  }
}

function check(end: End): void {
  const peer = end.peer as End
  const wanted = concatBytes(...peer.written)
  const received = concatBytes(...end.received)
  expect(equalBytes(received, wanted.subarray(0, received.byteLength))).toBe(true)
  expect(end.mostUnread).toBeLessThanOrEqual(INITIAL_CREDIT_BYTES)
  if (end.closed?.kind === 'finished') {
    expect(received.byteLength).toBe(wanted.byteLength)
    expect(end.sawEnd).toBe(true)
  }
  // A reset may cross the peer's last end under way: then, and only then, the two sides differ.
  const resetByThisSide = end.closed?.kind === 'reset' && end.closed.by === 'us'
  const resetByPeer = peer.closed?.kind === 'reset' && peer.closed.by === 'us'
  if (end.closed?.kind !== peer.closed?.kind) expect(resetByThisSide || resetByPeer).toBe(true)
  expect(end.closed).toBeDefined()
}

describe(`a multiplexer and its slow twin, seed ${SEED}`, () => {
  it('agree on every byte, end and reset, whatever both sides do', async () => {
    let finished = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const world = new World()
        for (const one of steps) await world.run(one)
        await world.finish()
        for (const end of [...world.ends.alice, ...world.ends.bob]) {
          if (end.peer) check(end)
          if (end.closed?.kind === 'finished') finished++
        }
        expect(world.multiplexers.alice.substreams).toEqual([])
        expect(world.multiplexers.bob.substreams).toEqual([])
        world.multiplexers.alice.close()
        expect(await world.multiplexers.bob.closed).toEqual({ by: 'peer', code: 0 })
      }),
      { numRuns: RUNS, seed: SEED },
    )
    expect(finished).toBeGreaterThan(RUNS)
  }, 120_000)
})
