import { describe, expect, it } from '@jest/globals'
import { encodeHex, type PeerId } from '@resilient-swarm/contract'
import { createIds, createVirtualSwarm, linkByChance, proofOf } from './virtual-swarm.ts'

const NODES = 1_000
const LINKS_EACH = 12
const SIGNALS = 2_000
const EVERY_MS = 5
const WITHIN_MS = 2_000
/** Of boxes that are handed on for one signal: a route has three or four hops. */
const BOXES_MAX = 12

const ids = createIds(NODES)

/** Signals to random live nodes while every record still tells of the dead: half of them are gone, the others just do not answer. */
async function deliver({ deadShare, seed }: { readonly deadShare: number; readonly seed: number }) {
  const swarm = createVirtualSwarm({ ids, seed })
  linkByChance(swarm, ids, LINKS_EACH)
  const dead = ids.slice(0, NODES * deadShare)
  const alive = ids.slice(dead.length)
  for (const [index, id] of dead.entries()) {
    swarm.node(id).state = 'silent'
    if (index % 2 === 0) for (const other of [...swarm.node(id).links.keys()]) swarm.unlink(id, other)
  }
  const pick = () => Math.floor(swarm.random.fraction() * alive.length)
  const begun: { readonly id: string; readonly target: PeerId; readonly atMs: number }[] = []
  for (let count = 0; count < SIGNALS; count++) {
    const from = pick()
    const target = alive[(from + 1 + Math.floor(swarm.random.fraction() * (alive.length - 1))) % alive.length] as PeerId
    const id = encodeHex(swarm.random.bytes(16))
    const own = { to: target, id, box: swarm.random.bytes(64), proof: proofOf(id) }
    begun.push({ id, target, atMs: swarm.clock.monotonic() })
    swarm
      .node(alive[from] as PeerId)
      .signals.carry(own)
      .catch(() => {})
    await swarm.clock.runUntil((count + 1) * EVERY_MS)
  }
  await swarm.clock.runUntil(SIGNALS * EVERY_MS + 10_000)
  const tookMs = begun
    .map(({ id, target, atMs }) => (swarm.node(target).received.find((arrived) => arrived.id === id)?.atMs ?? Infinity) - atMs)
    .sort((one, other) => one - other)
  return { tookMs, boxesPerSignal: swarm.sent.length / SIGNALS }
}

describe('a signal to a random node of 1,000', () => {
  it.each([
    [0, 1],
    [10, 0.999],
    [30, 0.99],
  ])(
    'arrives within 2 s though %i %% of those that the tables tell of are dead',
    async (percent, atLeast) => {
      const seed = Date.now() >>> 0
      const { tookMs, boxesPerSignal } = await deliver({ deadShare: percent / 100, seed })
      const share = tookMs.filter((ms) => ms <= WITHIN_MS).length / SIGNALS
      const at = (part: number) => Math.round(tookMs[Math.ceil(SIGNALS * part) - 1] as number)
      process.stdout.write(
        `seed ${seed}, ${percent} % dead: ${(100 * share).toFixed(2)} % in 2 s, p50 ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)} ms, ${boxesPerSignal.toFixed(1)} boxes a signal\n`,
      )
      expect(share).toBeGreaterThanOrEqual(atLeast)
      expect(boxesPerSignal).toBeLessThanOrEqual(BOXES_MAX)
    },
    120_000,
  )
})
