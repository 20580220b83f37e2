import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { createDoorGreeter } from '../src/door-greeter.ts'
import { createHistory } from '../src/history.ts'
import {
  ATTEMPT_TIMEOUT_MS,
  GREETING_REST_MS,
  GREETINGS_AT_ONCE_MAX,
  GREETINGS_BURST,
  GREETINGS_PER_SECOND,
} from '../src/limits.ts'

const carol = 'carol'
const nameOf = (index: number) => `stranger ${index}` as PeerId

/** A door of a swarm that knows carol, and whom its greeter calls; each call ends when the test says so, or at once. */
function door({ callsEnd = true, signal = new AbortController().signal }: { callsEnd?: boolean; signal?: AbortSignal } = {}) {
  const runtime = createTestRuntime({ seed: 3 })
  const world = {
    runtime,
    called: [] as PeerId[],
    timeouts: [] as number[],
    met: new Set<PeerId>(),
    admit: (_: PeerId): boolean | Promise<boolean> => true,
    hasRoom: true,
    roomWishes: [] as PeerId[],
    canMakeRoom: false,
    ends: [] as (() => void)[],
    /** Seeks, and lets what follows from it happen. */
    async seek(from: PeerId, to = carol): Promise<void> {
      greeter.onSought({ from, to })
      await runtime.clock.advance(0)
    },
  }
  const greeter = createDoorGreeter({
    runtime,
    history: createHistory(runtime.clock),
    signal,
    admit: (id) => world.admit(id),
    isMet: (id) => world.met.has(id),
    isInSwarm: (to) => to === carol,
    hasRoom: () => world.hasRoom,
    makeRoom(caller) {
      world.roomWishes.push(caller)
      return world.canMakeRoom
    },
    call(id, { timeoutMs }) {
      world.called.push(id)
      world.timeouts.push(timeoutMs)
      return callsEnd ? Promise.resolve() : new Promise<void>((resolve) => world.ends.push(resolve))
    },
  })
  return world
}

describe('who stands at our door', () => {
  it('is called once it seeks somebody whom the swarm knows', async () => {
    const { called, timeouts, seek } = door()
    await seek(nameOf(1))
    expect([called, timeouts]).toEqual([[nameOf(1)], [ATTEMPT_TIMEOUT_MS]])
  })

  it('is not called for somebody whom nobody knows, whatever it makes up', async () => {
    const { called, seek } = door()
    for (const to of ['nobody', '', '__proto__', 'constructor']) await seek(nameOf(1), to)
    expect(called).toEqual([])
  })

  it('is not called when it is our peer already, or becomes one while `admit` thinks', async () => {
    const world = door()
    world.met.add(nameOf(1))
    await world.seek(nameOf(1))
    world.admit = (id) => {
      world.met.add(id)
      return true
    }
    await world.seek(nameOf(2))
    expect(world.called).toEqual([])
  })

  it('is not called, and so not told where we are, when it is not admitted', async () => {
    const world = door()
    const answers = [false, Promise.resolve(false), Promise.reject(new Error('the list cannot be read'))]
    for (const [index, answer] of answers.entries()) {
      world.admit = () => answer
      await world.seek(nameOf(index))
    }
    expect(world.called).toEqual([])
  })

  it('is called where somebody can be given up for it, and otherwise when there is room after its rest', async () => {
    const world = door()
    world.hasRoom = false
    await world.seek(nameOf(1))
    expect([world.called, world.roomWishes]).toEqual([[], [nameOf(1)]])
    world.canMakeRoom = true
    await world.seek(nameOf(2))
    expect(world.called).toEqual([nameOf(2)])
    world.hasRoom = true
    await world.runtime.clock.advance(GREETING_REST_MS)
    await world.seek(nameOf(1))
    expect(world.called).toEqual([nameOf(2), nameOf(1)])
    expect(world.roomWishes).toEqual([nameOf(1), nameOf(2)])
  })

  it('is not called by a node that has ended', async () => {
    const { called, seek } = door({ signal: AbortSignal.abort() })
    await seek(nameOf(1))
    expect(called).toEqual([])
  })
})

describe('a flood at our door', () => {
  it('of one client is one call, and another when it has rested', async () => {
    const { called, seek, runtime } = door()
    for (let count = 0; count < 1_000; count++) await seek(nameOf(1))
    expect(called).toHaveLength(1)
    await runtime.clock.advance(GREETING_REST_MS - 1)
    await seek(nameOf(1))
    expect(called).toHaveLength(1)
    await runtime.clock.advance(1)
    await seek(nameOf(1))
    expect(called).toHaveLength(2)
  })

  it('of many clients is the burst at once, then the rate', async () => {
    const { called, seek, runtime } = door()
    for (let count = 0; count < 100; count++) await seek(nameOf(count))
    expect(called).toHaveLength(GREETINGS_BURST)
    await runtime.clock.advance(1_000 / GREETINGS_PER_SECOND)
    for (let count = 100; count < 200; count++) await seek(nameOf(count))
    expect(called).toHaveLength(GREETINGS_BURST + 1)
  })

  it(`is ${GREETINGS_AT_ONCE_MAX} calls under way at the most`, async () => {
    const { called, seek, ends } = door({ callsEnd: false })
    for (let count = 0; count < 10; count++) await seek(nameOf(count))
    expect(called).toHaveLength(GREETINGS_AT_ONCE_MAX)
    ends[0]?.()
    for (let count = 10; count < 20; count++) await seek(nameOf(count))
    expect(called).toHaveLength(GREETINGS_AT_ONCE_MAX + 1)
  })

  it('whose `admit` never answers holds no place for ever', async () => {
    const world = door()
    world.admit = () => new Promise(() => {})
    for (let count = 0; count < GREETINGS_AT_ONCE_MAX; count++) await world.seek(nameOf(count))
    world.admit = () => true
    await world.seek(nameOf(10))
    expect(world.called).toEqual([])
    await world.runtime.clock.advance(ATTEMPT_TIMEOUT_MS)
    await world.seek(nameOf(10))
    expect(world.called).toEqual([nameOf(10)])
  })
})
