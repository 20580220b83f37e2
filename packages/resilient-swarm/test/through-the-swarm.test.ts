import { afterEach, describe, expect, it } from '@jest/globals'
import { createBreakableTransport } from '@resilient-swarm/testkit/breakable-transport'
import { webrtc } from '../src/index.ts'
import { meet, nodes, type Person, part, unite } from './path-people.ts'

afterEach(() => nodes.end())

const NODES = 5

/** Nodes of which each reaches only the next; no relay helps, so that signals are all that goes further. */
async function inALine(): Promise<Person[]> {
  const server = await nodes.serve()
  const line = Array.from({ length: NODES }, (): Person => {
    const transport = createBreakableTransport(webrtc())
    return { transport, swarm: nodes.join({ signals: [server.url], transports: [transport], relay: { serve: false } }) }
  })
  for (const [index, one] of line.entries()) for (const other of line.slice(index + 2)) part(one, other)
  for (const [index, one] of line.slice(1).entries()) await meet(line[index] as Person, one)
  await server.close()
  return line
}

/** Resolves when this node's table tells that the other one is linked to somebody. */
function knows({ swarm }: Person, { swarm: other }: Person): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!swarm.table.get(other.publicKey)?.links.length) return
      swarm.off('record', look)
      resolve()
    }
    swarm.on('record', look)
    look()
  })
}

describe('five nodes in a line, and no server alive', () => {
  it('one end calls the other, by signals through the three between', async () => {
    const line = await inALine()
    const [first, last] = [line[0], line.at(-1)] as [Person, Person]
    await knows(first, last)
    expect(first.swarm.peers.map(({ publicKey }) => publicKey)).toEqual([line[1]?.swarm.publicKey])
    unite(first, last)
    const startMs = performance.now()
    const peer = await first.swarm.call(last.swarm.publicKey, { signal: AbortSignal.timeout(20_000) })
    process.stdout.write(`end met end through ${NODES - 2} nodes in ${Math.round(performance.now() - startMs)} ms\n`)
    expect(peer.publicKey).toBe(last.swarm.publicKey)
    expect(peer.path.kind).toBe('webrtc')
  }, 40_000)
})
