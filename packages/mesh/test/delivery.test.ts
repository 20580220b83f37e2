import { describe, expect, it } from '@jest/globals'
import { encodeHex, type PeerId } from '@resilient-swarm/contract'
import { createIds, createVirtualSwarm, linkByChance, proofOf } from './virtual-swarm.ts'

const NODES = 1_000
const LINKS_EACH = 12
const SIGNALS = 2_000
const EVERY_MS = 5
const WITHIN_MS = 2_000

const ids = createIds(NODES)

/** Signals to random live nodes while every record still tells of the dead: half of them are gone, the others just do not answer. */
async function deliver({ deadShare, seed }: { readonly deadShare: number; readonly seed: number }) {
  const swarm = createVirtualSwarm({ ids, seed })
  linkByChance(swarm, ids, LINKS_EACH)
  const pick = (from: readonly PeerId[]) => from[Math.floor(swarm.random.fraction() * from.length)] as PeerId
  for (const [index, id] of ids.slice(0, NODES * deadShare).entries()) {
    const node = swarm.node(id)
    node.state = 'silent'
    if (index % 2 === 0) for (const other of [...node.links.keys()]) swarm.unlink(id, other)
  }
  const alive = ids.slice(NODES * deadShare)
  const tookMs: number[] = []
  for (let count = 0; count < SIGNALS; count++) {
    const [source, target] = [pick(alive), pick(alive)]
    if (source === target) continue
    const id = encodeHex(swarm.random.bytes(16))
    const startMs = swarm.clock.monotonic()
    const box = swarm.random.bytes(64)
    void swarm
      .node(source)
      .signals.carry({ to: target, id, box, proof: proofOf(id) })
      .catch(() => {})
    const watch = swarm.node(target).received
    const seen = watch.length
    swarm.clock.setTimer(WITHIN_MS, () => {
      tookMs.push(watch.slice(0).some((arrived) => arrived.id === id) ? 0 : Number.POSITIVE_INFINITY)
    })
    void seen
    void startMs
    await swarm.clock.runUntil((count + 1) * EVERY_MS)
  }
  await swarm.clock.runUntil(SIGNALS * EVERY_MS + 10_000)
  const late = tookMs.filter((ms) => ms > WITHIN_MS).length
  return { share: 1 - late / tookMs.length, boxesPerSignal: swarm.sent.length / tookMs.length }
}

describe('a signal to a random node of 1,000', () => {
  it.each([
    [0, 1],
    [0.1, 0.999],
    [0.3, 0.99],
  ])(
    'arrives within 2 s though a share of %p of what the tables tell is dead',
    async (deadShare, atLeast) => {
      const seed = Date.now() >>> 0
      const { share, boxesPerSignal } = await deliver({ deadShare, seed })
      process.stdout.write(
        `seed ${seed}, dead ${deadShare}: ${(100 * share).toFixed(2)} % in 2 s, ${boxesPerSignal.toFixed(1)} boxes a signal\n`,
      )
      expect(share).toBeGreaterThanOrEqual(atLeast)
    },
    120_000,
  )
})
