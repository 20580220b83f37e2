import { describe, expect, it } from '@jest/globals'
import { SwarmError } from '@resilient-swarm/contract'
import {
  DEAD_QUIET_MS,
  DEAD_UNANSWERED_MS,
  PING_BACKUP_IDLE_MS,
  PING_IDLE_MS,
  RECONNECT_TIMEOUT_MS,
  SILENCE_MS_MIN,
} from '../src/limits.ts'
import { countOf, dataIn, World } from './world.ts'

describe('a session whose sending path stalls', () => {
  const stalled = async () => {
    const world = new World()
    const direct = await world.dial({ delayMs: 10 })
    const relayed = await world.dial({ delayMs: 40, isDirect: false })
    await world.stream({ everyMs: 10, forMs: 1000 })
    const fromMs = world.time.nowMs
    for (const end of direct.link.ends) end.stall()
    return { world, direct, relayed, fromMs }
  }

  it('duplicates what is under way on the backup at T, and fails over at 2 T', async () => {
    const { world, direct, relayed, fromMs } = await stalled()
    await world.stream({ everyMs: 10, forMs: 2000 })
    await world.pass(200)
    expect(world.isComplete).toBe(true)
    const suspectedMs = world.when('alice', 'suspected', fromMs) as number
    const sendingMs = world.when('alice', 'sending', fromMs) as number
    expect(suspectedMs - fromMs).toBeGreaterThanOrEqual(SILENCE_MS_MIN - 30)
    expect(suspectedMs - fromMs).toBeLessThan(SILENCE_MS_MIN + 30)
    expect(sendingMs - suspectedMs).toBeGreaterThanOrEqual(SILENCE_MS_MIN - 1)
    expect(sendingMs - suspectedMs).toBeLessThan(SILENCE_MS_MIN + 30)
    expect(world.longestPauseMs(fromMs)).toBeLessThan(SILENCE_MS_MIN + 100)
    expect(world.alice.sendingPath).toBe(relayed.ofAlice)
    expect(direct.ofAlice.isSuspected).toBe(true)
  })

  it('goes on as before when the path answers again between T and 2 T', async () => {
    const { world, direct, fromMs } = await stalled()
    await world.stream({ everyMs: 10, forMs: SILENCE_MS_MIN + 50 })
    expect(direct.ofAlice.isSuspected).toBe(true)
    for (const end of direct.link.ends) end.resume()
    await world.stream({ everyMs: 10, forMs: 1000 })
    await world.pass(100)
    expect(world.isComplete).toBe(true)
    expect(world.count('alice', 'recovered', fromMs)).toBe(1)
    expect(world.count('alice', 'sending', fromMs)).toBe(0)
    expect(world.alice.sendingPath).toBe(direct.ofAlice)
    expect(direct.ofAlice.isSuspected).toBe(false)
  })

  it('gives it up after 5 s of silence, and keeps the other', async () => {
    const { world, direct, fromMs } = await stalled()
    await world.stream({ everyMs: 10, forMs: DEAD_QUIET_MS + 500 })
    const lostMs = world.when('alice', 'lost', fromMs) as number
    expect(lostMs - fromMs).toBeGreaterThan(DEAD_QUIET_MS - 50)
    expect(lostMs - fromMs).toBeLessThan(DEAD_QUIET_MS + 50)
    expect((await direct.ofAlice.closed).error?.code).toBe('ERR_PATH_SILENT')
    expect(world.alice.state).toBe('connected')
    expect(world.isComplete || world.arrivals.length > 0).toBe(true)
  })

  it('takes it back once it was well for its probation', async () => {
    const { world, direct, fromMs } = await stalled()
    await world.stream({ everyMs: 10, forMs: 1000 })
    for (const end of direct.link.ends) end.resume()
    await world.stream({ everyMs: 10, forMs: 1500 })
    expect(world.alice.sendingPath).not.toBe(direct.ofAlice)
    await world.stream({ everyMs: 10, forMs: 3500 })
    await world.pass(100)
    expect(world.alice.sendingPath).toBe(direct.ofAlice)
    expect(world.count('alice', 'sending', fromMs)).toBe(2)
    expect(world.isComplete).toBe(true)
  })

  it('says so and waits where there is no backup, and takes the first that comes', async () => {
    const world = new World()
    const only = await world.dial()
    await world.stream({ everyMs: 10, forMs: 500 })
    const fromMs = world.time.nowMs
    for (const end of only.link.ends) end.stall()
    await world.stream({ everyMs: 10, forMs: 1000 })
    expect(world.count('alice', 'suspected', fromMs)).toBe(1)
    expect(world.alice.state).toBe('connected')
    const other = await world.dial({ delayMs: 30, isDirect: false })
    expect(world.alice.sendingPath).toBe(other.ofAlice)
    await world.pass(200)
    expect(world.isComplete).toBe(true)
  })

  it.each([0, 1])('in one direction only (%i) goes on by the backup, both ways', async (stalledEnd) => {
    const { world, direct, relayed, fromMs } = await (async () => {
      const made = await stalled()
      for (const end of made.direct.link.ends) end.resume()
      await made.world.pass(1000)
      return made
    })()
    direct.link.ends[stalledEnd as 0 | 1].stall()
    const atMs = world.time.nowMs
    let answers = 0
    world.alice.onMessage = () => answers++
    for (let round = 0; round < 300; round++) {
      world.send()
      world.bob.send(new Uint8Array(100))
      await world.pass(10)
    }
    await world.pass(1000)
    expect(world.isComplete).toBe(true)
    expect(answers).toBe(300)
    expect(world.longestPauseMs(atMs)).toBeLessThan(3 * SILENCE_MS_MIN)
    expect(world.alice.sendingPath).toBe(relayed.ofAlice)
    expect(world.bob.sendingPath).toBe(relayed.ofBob)
    expect(fromMs).toBeLessThan(atMs)
  })
})

describe('a session whose path ends', () => {
  it('sends what was under way again at once, on the other path', async () => {
    const world = new World()
    const first = await world.dial({ delayMs: 20 })
    const second = await world.dial({ delayMs: 30 })
    for (let index = 0; index < 10; index++) world.send()
    await world.pass(5)
    first.link.kill([0, 0])
    await world.pass(1)
    expect(dataIn(second.frames.alice)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    await world.pass(60)
    expect(world.isComplete).toBe(true)
    expect(world.longestPauseMs(0)).toBeLessThan(1)
  })

  it('sends no frame twice when it changes to a better one, and pauses under 100 ms', async () => {
    const world = new World()
    const relayed = await world.dial({ delayMs: 80, isDirect: false })
    await world.stream({ everyMs: 5, forMs: 500 })
    const fromMs = world.time.nowMs
    const direct = await world.dial({ delayMs: 10 })
    await world.stream({ everyMs: 5, forMs: 2000 })
    await world.pass(200)
    expect(world.isComplete).toBe(true)
    expect(world.alice.sendingPath).toBe(direct.ofAlice)
    expect(world.when('alice', 'sending', fromMs)).toBeLessThan(fromMs + 500)
    const sent = [...dataIn(relayed.frames.alice), ...dataIn(direct.frames.alice)]
    expect(new Set(sent).size).toBe(sent.length)
    expect(world.longestPauseMs(0)).toBeLessThan(100)
  })

  it('waits for another path, keeps what is sent up to the window, and goes on', async () => {
    const world = new World({ windowBytes: 10_000 })
    const only = await world.dial()
    only.link.kill([0, 0])
    await world.pass(1)
    expect(world.alice.state).toBe('reconnecting')
    let taken = 0
    while (world.send(1000)) taken++
    expect(taken).toBe(9)
    let drains = 0
    world.alice.onDrain = () => drains++
    await world.pass(20_000)
    await world.dial()
    await world.pass(200)
    expect(world.alice.state).toBe('connected')
    expect(world.isComplete).toBe(true)
    expect(drains).toBe(1)
  })

  it('ends by itself on both sides after 30 s without a path', async () => {
    const world = new World()
    const only = await world.dial()
    only.link.kill([0, 0])
    await world.pass(RECONNECT_TIMEOUT_MS - 1)
    expect([world.alice.state, world.bob.state]).toEqual(['reconnecting', 'reconnecting'])
    await world.pass(2)
    for (const session of [world.alice, world.bob]) {
      expect(session.state).toBe('ended')
      expect((await session.closed).error).toMatchObject({ code: 'ERR_PATH_LOST', retryable: true })
    }
    expect([world.nodes.alice.timers, world.nodes.bob.timers]).toEqual([0, 0])
  })

  it('ends at once when it is given up', async () => {
    const world = new World()
    await world.dial()
    const error = new SwarmError('Every route says that it is offline.', { code: 'ERR_OFFLINE' })
    world.alice.giveUp(error)
    expect((await world.alice.closed).error).toBe(error)
    expect(world.alice.state).toBe('ended')
    await world.pass(100)
    expect((await world.bob.closed).error?.code).toBe('ERR_SESSION_ABORTED')
  })
})

describe('a peer that vanishes without a word', () => {
  it('is found gone on an idle path within 5 s, and on every path soon after', async () => {
    for (const paths of [1, 2, 3]) {
      const world = new World()
      const ways = []
      for (let index = 0; index < paths; index++) ways.push(await world.dial({ isDirect: index === 0 }))
      await world.pass(30_000 + 777 * paths)
      const fromMs = world.time.nowMs
      for (const { link } of ways) link.kill([undefined, undefined])
      await world.pass(12_000)
      const times = world.events
        .filter(({ who, event }) => who === 'alice' && event.kind === 'lost')
        .map(({ atMs }) => atMs - fromMs)
      expect(times).toHaveLength(paths)
      expect(Math.min(...times)).toBeLessThanOrEqual(PING_IDLE_MS + DEAD_UNANSWERED_MS)
      expect(Math.max(...times)).toBeLessThanOrEqual(PING_IDLE_MS + DEAD_UNANSWERED_MS + 2 * SILENCE_MS_MIN)
      expect(world.alice.state).toBe('reconnecting')
    }
  })
})

describe('a node that was frozen', () => {
  it.each([400, 1000, 3000, 20_000])('for %i ms blames no path', async (frozenMs) => {
    const world = new World()
    await world.dial()
    await world.dial({ isDirect: false })
    await world.stream({ everyMs: 10, forMs: 500 })
    world.nodes.alice.freeze(frozenMs)
    world.send()
    await world.pass(frozenMs + 2000)
    expect(world.count('alice', 'suspected')).toBe(0)
    const gaveUp = world.events.filter(({ who, event }) => who === 'alice' && event.error?.code === 'ERR_PATH_SILENT')
    expect(gaveUp).toEqual([])
  })
})

describe('probing', () => {
  it('measures a new path at once, three times', async () => {
    const world = new World()
    const way = await world.dial()
    await world.pass(350)
    expect(countOf('ping', way.frames.alice)).toBe(3)
    expect(way.ofAlice.rttMs).toBeCloseTo(20, 0)
  })

  it('asks each second while in use, each 2 s when idle, and idle backups each 5 s', async () => {
    const world = new World()
    const ways = [await world.dial(), await world.dial({ isDirect: false })]
    await world.pass(20_000)
    const pings = async (ms: number) => {
      const before = ways.map(({ frames }) => countOf('ping', frames.alice))
      await world.pass(ms)
      return ways.map(({ frames }, index) => countOf('ping', frames.alice) - (before[index] as number))
    }
    expect(await pings(20_000)).toEqual([20_000 / PING_IDLE_MS, 20_000 / PING_BACKUP_IDLE_MS])
    world.alice.setInUse(true)
    await world.pass(1000)
    expect(await pings(20_000)).toEqual([20, 20])
    world.alice.setInUse(false)
    await world.pass(10_000)
    expect(await pings(20_000)).toEqual([10, 4])
    world.send()
    await world.pass(1000)
    expect(await pings(8000)).toEqual([8, 8])
  })
})
