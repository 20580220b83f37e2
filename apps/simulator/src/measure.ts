import type { SimulatedNode } from './node.ts'

/** The nodes in groups that hold together by links that stand, the largest first. */
export function componentsOf(nodes: readonly SimulatedNode[]): number[] {
  const waiting = new Map(nodes.map((node) => [node.host.index, node]))
  const sizes: number[] = []
  for (const node of nodes) {
    if (!waiting.delete(node.host.index)) continue
    const reached = [node]
    for (const one of reached) {
      for (const link of one.links) {
        if (!link.isStanding) continue
        for (const { host } of link.ends) {
          const other = waiting.get(host.index)
          if (!other) continue
          waiting.delete(host.index)
          reached.push(other)
        }
      }
    }
    sizes.push(reached.length)
  }
  return sizes.sort((one, other) => other - one)
}

/** Which part of the nodes is in the largest group; 1 when they all hold together. */
export function largestShare(nodes: readonly SimulatedNode[]): number {
  return nodes.length === 0 ? 1 : (componentsOf(nodes)[0] ?? 0) / nodes.length
}

/** How many different tables there are among the nodes, by what they know of whom. */
export function differentTables(nodes: readonly SimulatedNode[]): number {
  return new Set(nodes.map(fingerprintOf)).size
}

function fingerprintOf({ table }: SimulatedNode): string {
  return table.records
    .map(({ id, seq }) => `${id}${seq}`)
    .sort()
    .join()
}
