import { PREFIX_BITS, planHost } from './address-plan.ts'
import { type Barrier, barrierCommand, GATE_RULES } from './gate.ts'
import type { LineShape } from './lane.ts'
import { type Line, layLine } from './line.ts'
import { createNamespace, type Namespace, removeOwnNamespaces, sweepDeadRuns } from './namespaces.ts'
import { type NatKind, natRules } from './nat.ts'

/** A machine of the lab: a namespace with one device, `eth0`. */
export interface Host {
  readonly name: string
  readonly nat: NatKind
  readonly namespace: Namespace
  /** Its own address; behind a NAT nobody else can use it. */
  readonly address: string
  /** What the others see. */
  readonly publicAddress: string
  /** The line to the core, when it was asked for. */
  readonly uplink: Line | undefined
}

export interface HostOptions {
  /** Default `open`. */
  readonly nat?: NatKind
  /** The cable to the core is a line of this shape; without, it is a plain one. */
  readonly line?: Partial<LineShape>
  /** Limits what the cable to the core carries, each way. */
  readonly megabitsPerSecond?: number
}

/**
 * An internet of namespaces: every host, or its NAT, has a cable of its own to the core, which routes and can be told to drop.
 * Nothing of it reaches the machine's own network.
 */
export interface Lab {
  addHost(name: string, options?: HostOptions): Promise<Host>
  /** A second way between two open hosts beside the core; all their packets for each other take it from now on. */
  layDirectLine(alice: Host, bob: Host, shape: Partial<LineShape>): Promise<Line>
  /** Drops what passes the core between two hosts, silently. */
  block(kind: 'udp' | 'everything', alice: Host, bob: Host): Promise<void>
  unblock(kind: 'udp' | 'everything', alice: Host, bob: Host): Promise<void>
  /** Drops all from and to a host. */
  cutOff(host: Host): Promise<void>
  restore(host: Host): Promise<void>
  /** Ends every process in the lab and removes it. */
  close(): void
}

const QUEUE_MS = 50 // what a home router holds back before it drops
const BURST_BYTES = 32 * 1024

/** One lab a process. It is removed when the process ends, whatever way; what killed runs left behind is removed first. */
export async function createLab(): Promise<Lab> {
  sweepDeadRuns()
  process.once('exit', removeOwnNamespaces)
  const core = await createNamespace('core')
  await core.nft(GATE_RULES)
  const names = new Set<string>()
  let linesLaid = 0

  async function addHost(name: string, { nat = 'open', line, megabitsPerSecond }: HostOptions = {}): Promise<Host> {
    if (names.has(name)) throw new RangeError(`there is a host ${name} already`)
    const index = names.add(name).size
    const addresses = planHost(index)
    const namespace = await createNamespace(name)
    const router = nat === 'open' ? undefined : await createNamespace(`${name}-nat`)
    const outer = { namespace: router ?? namespace, device: router ? 'wan' : 'eth0' }
    const atCore = { namespace: core, device: `to${index}` }
    const uplink = line ? await layLine({ a: outer, b: atCore, shape: line }) : void (await layCable(outer, atCore))
    await addAddress(atCore, addresses.core)
    await addAddress(outer, addresses.public)
    await outer.namespace.ip(`route add default via ${addresses.core}`)
    if (router && nat !== 'open') {
      const [lan, inner] = [{ namespace: router, device: 'lan' } as const, { namespace, device: 'eth0' } as const]
      await layCable(inner, lan)
      await addAddress(lan, addresses.gateway)
      await addAddress(inner, addresses.private)
      await namespace.ip(`route add default via ${addresses.gateway}`)
      await router.nft(natRules(nat, addresses.private))
    }
    if (megabitsPerSecond !== undefined) for (const end of [outer, atCore]) await limitRate(end, megabitsPerSecond)
    const address = router ? addresses.private : addresses.public
    return { name, nat, namespace, address, publicAddress: addresses.public, uplink }
  }

  async function layDirectLine(alice: Host, bob: Host, shape: Partial<LineShape>): Promise<Line> {
    if (alice.nat !== 'open' || bob.nat !== 'open') throw new RangeError('a direct line connects open hosts')
    const device = `direct${++linesLaid}`
    const line = await layLine({ a: { namespace: alice.namespace, device }, b: { namespace: bob.namespace, device }, shape })
    for (const [host, other] of [[alice, bob] as const, [bob, alice] as const]) {
      await host.namespace.ip(`link set ${device} up`, `route add ${other.address}/32 dev ${device} src ${host.address}`)
    }
    return line
  }

  const setBarrier = (action: 'add' | 'delete', barrier: Barrier) => core.nft(barrierCommand(action, barrier))
  const between = (alice: Host, bob: Host) => [alice.publicAddress, bob.publicAddress] as const

  return {
    addHost,
    layDirectLine,
    block: (kind, alice, bob) => setBarrier('add', { kind, between: between(alice, bob) }),
    unblock: (kind, alice, bob) => setBarrier('delete', { kind, between: between(alice, bob) }),
    cutOff: ({ publicAddress }) => setBarrier('add', { kind: 'host', address: publicAddress }),
    restore: ({ publicAddress }) => setBarrier('delete', { kind: 'host', address: publicAddress }),
    close() {
      removeOwnNamespaces()
      process.off('exit', removeOwnNamespaces)
    },
  }
}

interface CableEnd {
  readonly namespace: Namespace
  readonly device: string
}

/** Both ends are born where they belong, so the machine's own network never sees them. */
async function layCable(one: CableEnd, other: CableEnd): Promise<void> {
  await one.namespace.ip(
    `link add ${one.device} type veth peer name ${other.device} netns ${other.namespace.name}`,
    `link set ${one.device} up`,
  )
  await other.namespace.ip(`link set ${other.device} up`)
}

async function addAddress({ namespace, device }: CableEnd, address: string): Promise<void> {
  await namespace.ip(`address add ${address}/${PREFIX_BITS} dev ${device}`, `link set ${device} up`)
}

async function limitRate({ namespace, device }: CableEnd, megabitsPerSecond: number): Promise<void> {
  const words = `qdisc add dev ${device} root tbf rate ${megabitsPerSecond}mbit burst ${BURST_BYTES} latency ${QUEUE_MS}ms`
  await namespace.tc(words)
}
