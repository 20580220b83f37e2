import { createSignalServer, type SignalServer } from '@resilient-swarm/signal-server'
import { type Peer, Swarm, type SwarmEvents, type SwarmOptions } from '../src/index.ts'

/** Real servers and swarms of one test; `end` closes all of them. */
export function createNodes() {
  const servers: SignalServer[] = []
  const swarms: Swarm[] = []
  return {
    async serve(): Promise<SignalServer> {
      // one address makes hundreds of connections here; how many a server takes is its own tests' matter
      const limits = { connectionRate: { perSecond: 1_000, burst: 1_000 } }
      const server = await createSignalServer({ host: '127.0.0.1', port: 0, limits })
      servers.push(server)
      return server
    },
    join(options: SwarmOptions): Swarm {
      const swarm = new Swarm(options)
      swarms.push(swarm)
      return swarm
    },
    async end(): Promise<void> {
      await Promise.all(swarms.splice(0).map((swarm) => swarm.close()))
      await Promise.all(servers.splice(0).map((server) => server.close()))
    },
  }
}

/** The facts of the next event of this name. */
export function next<Name extends keyof SwarmEvents>(swarm: Swarm, event: Name): Promise<SwarmEvents[Name]> {
  return new Promise((resolve) => {
    swarm.once(event, (...facts) => resolve(facts))
  })
}

/** Resolves with the peer once `swarm` is connected to `other`. */
export function connected(swarm: Swarm, other: Swarm): Promise<Peer> {
  return new Promise((resolve) => {
    const listen = (peer: Peer) => {
      if (peer.publicKey !== other.publicKey) return
      swarm.off('peer', listen)
      resolve(peer)
    }
    swarm.on('peer', listen)
  })
}
