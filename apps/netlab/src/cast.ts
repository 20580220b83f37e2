import type { Host, HostOptions, Lab } from './lab.ts'
import { type LabNode, startNode } from './node-client.ts'
import { type Servers, startServers } from './servers.ts'

/** Its default rate would make the transfers minutes long, and this is not about the rate. */
const RELAY = { serve: true, bytesPerSecondMax: 1e9, burstBytesMax: 1e7 }

/** The hosts that most scenarios play on: alice and bob, open, and those who may relay between them. */
export interface Stage {
  readonly servers: Servers
  readonly alice: Host
  readonly bob: Host
  readonly relays: readonly Host[]
}

/** Their nodes, connected to the relays and not yet to each other. */
export interface Cast {
  readonly alice: LabNode
  readonly bob: LabNode
  readonly relays: readonly LabNode[]
  /** Kills all that still live. */
  end(): Promise<void>
}

export async function setStage(lab: Lab, relays: Readonly<Record<string, HostOptions>>): Promise<Stage> {
  const servers = await startServers(await lab.addHost('servers'))
  const [alice, bob] = [await lab.addHost('alice'), await lab.addHost('bob')]
  const relayHosts: Host[] = []
  for (const [name, options] of Object.entries(relays)) relayHosts.push(await lab.addHost(name, options))
  return { servers, alice, bob, relays: relayHosts }
}

/** New nodes for a round, in a network of their own so that no earlier round is remembered. */
export async function enter({ servers, ...hosts }: Stage, network: string): Promise<Cast> {
  const join = { ...servers, network }
  const relays = await Promise.all(hosts.relays.map((host) => startNode(host, { ...join, relay: RELAY })))
  const [alice, bob] = await Promise.all([startNode(hosts.alice, join), startNode(hosts.bob, join)])
  await Promise.all(relays.flatMap(({ key }) => [alice.call(key), bob.call(key)]))
  return {
    alice,
    bob,
    relays,
    end: async () => void (await Promise.all([alice, bob, ...relays].map((node) => node.kill()))),
  }
}
