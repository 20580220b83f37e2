import { expect, it } from '@jest/globals'
import { type PeerId, SwarmError } from '@resilient-swarm/contract'
import { isPeerId } from '@resilient-swarm/identity'
import { createSeededRandom, quickestMs } from '@resilient-swarm/testkit'
import { HOP_NAME_CHARS, SIGNAL_ROUNDS_MS, SIGNAL_TTL_MAX } from '../src/limits.ts'
import { hopName } from '../src/neighbour.ts'
import { parseSignal } from '../src/parse-signal.ts'
import { createIds } from './virtual-swarm.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 3_000)
const SLOWEST_MS = 50
const seed = Date.now() & 0x7fff_ffff

const [alice, bob] = createIds(2) as [PeerId, PeerId]
/** As rpc hands them over: whatever JSON can be, and what its own decoding adds. */
const ODD: readonly unknown[] = [
  ...[undefined, null, true, 0, -1, 1.5, 1e308, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '', 'rs1', '__proto__', [], {}],
  ...['='.repeat(9), '\ud800', 'A'.repeat(16_385), 'a'.repeat(100_000), ['a'], { route: {} }, () => 'rs1', { length: 13 }],
  ...[Object.create(null), JSON.parse('{"__proto__":{"ttl":9}}'), { toString: () => '0'.repeat(32) }, Symbol('a'), 7n],
]

it(`${RUNS} changed signals are signals or ERR_SIGNAL_MALFORMED (seed ${seed})`, () => {
  const random = createSeededRandom(seed)
  const below = (count: number) => Math.floor(random.fraction() * count)
  let slowestMs = 0
  let taken = 0
  for (let run = 0; run < RUNS; run++) {
    const way: Record<string, unknown> = { route: hopName(bob).repeat(below(3)), ttl: below(20), round: below(4) }
    const args: unknown[] = [alice, '0123456789abcdef'.repeat(2), 'AAAA', way]
    const name = ['route', 'ttl', 'round'][below(3)] as string
    const odd = ODD[below(ODD.length)]
    const kind = below(3)
    if (kind === 0) way[name] = odd
    else if (kind === 1) args[below(4)] = odd
    else args.length = below(5)
    const startedMs = performance.now()
    try {
      const { to, id, box, route, ttl, round } = parseSignal(args)
      taken++
      expect([isPeerId(to), id.length, typeof box]).toEqual([true, 32, 'string'])
      expect(route.every((hop) => hop.length === HOP_NAME_CHARS)).toBe(true)
      expect(route.length).toBeLessThan(SIGNAL_TTL_MAX)
      expect(ttl >= 0 && ttl < SIGNAL_TTL_MAX && round in SIGNAL_ROUNDS_MS).toBe(true)
    } catch (error) {
      if (!(error instanceof SwarmError)) throw error
      expect(error.code).toBe('ERR_SIGNAL_MALFORMED')
    }
    const tookMs = performance.now() - startedMs
    if (tookMs > SLOWEST_MS)
      slowestMs = Math.max(
        slowestMs,
        quickestMs(() => tryParse(args)),
      )
  }
  expect(taken).toBeGreaterThan(RUNS / 50)
  expect(slowestMs).toBeLessThan(SLOWEST_MS)
})

function tryParse(args: readonly unknown[]): void {
  try {
    parseSignal(args)
  } catch {}
}
