import type { Host } from '../lab.ts'
import { meetsDirectly, NAT_KINDS, type NatKind } from '../nat.ts'
import { startNode } from '../node-client.ts'
import type { PathFacts } from '../node-host.ts'
import { all, atMost, type Outcome, quantile, type Scenario, type ScenarioOptions } from '../scenario.ts'
import { type Servers, startServers } from '../servers.ts'
import { endingOf, until } from '../until.ts'

/** A relayed path may come first; the direct one has so long to take over. */
const SETTLE_MS = 12_000
const REACH_MS = 20_000
/** Pairs that meet at the same time: a core each on a small machine. */
const LANES = 2
const RELAYED_FIRST_BYTE_MS_MAX = 2_000

/** Every kind of NAT with every kind: who meets directly, who through ruth, who is open and serves. */
export const matrix: Scenario = {
  name: 'matrix',
  summary: 'pairs behind every two kinds of NAT, and a pair without UDP between them: all talk, directly where STUN can do it',
  quick: true,
  run,
}

interface Pair {
  readonly name: string
  readonly kinds: readonly [NatKind, NatKind]
  readonly isUdpBlocked?: boolean
}

interface Seen extends Pair {
  readonly expected: 'direct' | 'relayed'
  readonly settled: PathFacts | undefined
  readonly first: PathFacts | undefined
  readonly firstByteMs: number
}

async function run({ lab, tell }: ScenarioOptions): Promise<Outcome> {
  const servers = await startServers(await lab.addHost('servers'))
  const ruth = await lab.addHost('ruth')
  const hosts = new Map<NatKind, readonly [Host, Host]>()
  for (const nat of NAT_KINDS) {
    hosts.set(nat, [await lab.addHost(`alice-${nat}`, { nat }), await lab.addHost(`bob-${nat}`, { nat })])
  }
  const waiting: Meeting[] = pairs().map((pair) => {
    const [alice, bob] = [hosts.get(pair.kinds[0])?.[0], hosts.get(pair.kinds[1])?.[1]]
    if (!alice || !bob) throw new Error(`no hosts for ${pair.name}`)
    return { pair, servers, hosts: { alice, bob, ruth }, tell }
  })
  const [alice, bob] = [await lab.addHost('alice'), await lab.addHost('bob')]
  await lab.block('udp', alice, bob)
  const pair: Pair = { name: 'open × open, no UDP', kinds: ['open', 'open'], isUdpBlocked: true }
  waiting.push({ pair, servers, hosts: { alice, bob, ruth }, tell })

  const seen: Seen[] = []
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) seen.push(await meet(next))
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return judge(seen)
}

function pairs(): readonly Pair[] {
  return NAT_KINDS.flatMap((one, index) =>
    NAT_KINDS.slice(index).map((other): Pair => ({ name: `${one} × ${other}`, kinds: [one, other] })),
  )
}

interface Meeting {
  readonly pair: Pair
  readonly servers: Servers
  readonly hosts: { readonly alice: Host; readonly bob: Host; readonly ruth: Host }
  readonly tell: (line: string) => void
}

async function meet({ pair, servers, hosts, tell }: Meeting): Promise<Seen> {
  const expected = !pair.isUdpBlocked && meetsDirectly(...pair.kinds) ? 'direct' : 'relayed'
  const join = { ...servers, network: pair.name }
  const nodes = await Promise.all([
    startNode(hosts.alice, join),
    startNode(hosts.bob, join),
    startNode(hosts.ruth, { ...join, relay: { serve: true } }),
  ])
  const [alice, bob, ruth] = nodes
  try {
    await Promise.all([alice.call(ruth.key), bob.call(ruth.key)])
    const reached = await endingOf(alice.reach(bob.key), { timeoutMs: REACH_MS })
    if (reached.kind !== 'done') {
      tell(`${pair.name}: no path\n${(await alice.why(bob.key)).join('\n')}`)
      return { ...pair, expected, settled: undefined, first: undefined, firstByteMs: Number.NaN }
    }
    const isSettled = async () => kindOf(await alice.path(bob.key)) === expected
    await until(isSettled, { timeoutMs: SETTLE_MS })
    const { path: first, tookMs: firstByteMs } = reached.value
    const settled = await alice.path(bob.key)
    tell(`${pair.name}: ${kindOf(settled)}, first byte after ${Math.round(firstByteMs)} ms by ${kindOf(first)}`)
    return { ...pair, expected, settled, first, firstByteMs }
  } finally {
    await Promise.all(nodes.map((node) => node.kill()))
  }
}

function kindOf(path: PathFacts | undefined): 'direct' | 'relayed' | 'none' {
  if (!path) return 'none'
  return path.kind === 'circuit' ? 'relayed' : 'direct'
}

function judge(seen: readonly Seen[]): Outcome {
  const relayed = seen.filter(({ first }) => kindOf(first) === 'relayed').map(({ firstByteMs }) => firstByteMs)
  return {
    rows: seen.map(({ name, expected, settled, first, firstByteMs }) => ({
      pair: name,
      theory: expected,
      path: kindOf(settled),
      'first by': kindOf(first),
      'first byte, ms': Number.isNaN(firstByteMs) ? 'never' : Math.round(firstByteMs),
    })),
    bars: [
      all(
        'pairs that talk',
        seen.map(({ firstByteMs }) => !Number.isNaN(firstByteMs)),
      ),
      all(
        'pairs on the path that theory expects',
        seen.map(({ expected, settled }) => kindOf(settled) === expected),
      ),
      atMost(
        'slowest first byte through a relay',
        relayed.length > 0 ? quantile(relayed, 1) : Number.NaN,
        RELAYED_FIRST_BYTE_MS_MAX,
        'ms',
      ),
    ],
  }
}
