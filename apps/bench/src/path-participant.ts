import { fileURLToPath } from 'node:url'
import { type BreakableTransport, createBreakableTransport } from '@resilient-swarm/testkit/breakable-transport'
import { type Peer, type PeerId, type PeerPath, Swarm, webrtc } from 'resilient-swarm'
import { serveParent, startProcess } from './process.ts'
import { required } from './required.ts'
import { pingTrips, receiveBytes, sendBytes } from './speed.ts'
import { receiveAll, sendWhile, type Transferred, wallMs } from './transfer.ts'

/** What a process whose paths are measured can be asked to do. Arguments and results are plain data. */
type PathParticipant = ReturnType<typeof createPathParticipant>

/** One swarm of a process, in a network of its own. */
interface Member {
  readonly swarm: Swarm
  readonly transport: BreakableTransport
  arrival: Promise<unknown> | undefined
  sending: { readonly sent: Promise<Transferred>; finish(): void } | undefined
}

/** One side of a measurement, in as many networks at the same time as are compared. */
function createPathParticipant() {
  const members = new Map<string, Member>()
  const member = (network: string) => required(members.get(network), `this process is not in ${network}`)
  const peer = (network: string, key: PeerId): Peer =>
    required(
      member(network).swarm.peers.find(({ publicKey }) => publicKey === key),
      `${key} is not connected`,
    )

  return {
    async join(network: string, signals: readonly string[]): Promise<PeerId> {
      const transport = createBreakableTransport(webrtc())
      const swarm = new Swarm({ network, signals, transports: [transport], relay: { serve: true, bytesPerSecondMax: Infinity } })
      members.set(network, { swarm, transport, arrival: undefined, sending: undefined })
      await swarm.ready
      return swarm.publicKey
    },
    async leave(network: string): Promise<void> {
      const { swarm } = member(network)
      members.delete(network)
      await swarm.close()
    },
    async call(network: string, key: PeerId): Promise<void> {
      await member(network).swarm.call(key)
    },
    async forbid(network: string, key: PeerId): Promise<void> {
      member(network).transport.forbid(key)
    },
    /** Resolves with the wall clock's ms of that moment. */
    async mute(network: string, key: PeerId): Promise<number> {
      member(network).transport.mute(key)
      return wallMs()
    },
    async path(network: string, key: PeerId): Promise<PeerPath> {
      const { kind, via, rttMs } = peer(network, key).path
      return { kind, via, rttMs }
    },
    /** Resolves as soon as what we send to the peer takes a path of this kind. */
    async onPath(network: string, key: PeerId, kind: string): Promise<void> {
      const watched = peer(network, key)
      if (watched.path.kind === kind) return
      await new Promise<void>((resolve) => watched.on('path', (path) => path.kind === kind && resolve()))
    },

    /** From now on the next substream is received: `totalBytes` of it against the clock. */
    async expect(network: string, totalBytes: number): Promise<void> {
      const joined = member(network)
      joined.arrival = new Promise((resolve) => {
        joined.swarm.once('stream', (stream) => resolve(receiveBytes(stream, totalBytes)))
      })
    },
    send: (network: string, key: PeerId, totalBytes: number) => sendBytes(peer(network, key), totalBytes),
    received: async (network: string) => (await member(network).arrival) as number,
    pings: async (network: string, key: PeerId, count: number) => pingTrips(peer(network, key), count),

    /** From now on the next substream is received: whole, hashed, and its gaps noted. */
    async expectAll(network: string): Promise<void> {
      const joined = member(network)
      joined.arrival = new Promise((resolve) => {
        joined.swarm.once('stream', (stream) => resolve(receiveAll(stream)))
      })
    },
    async startSending(network: string, key: PeerId): Promise<void> {
      let isWanted = true
      const sent = sendWhile(peer(network, key), () => isWanted)
      const finish = () => {
        isWanted = false
      }
      member(network).sending = { sent, finish }
    },
    async finishSending(network: string): Promise<Transferred> {
      const { sent, finish } = required(member(network).sending, 'nothing is being sent')
      finish()
      return sent
    },
    receivedAll: async (network: string) => (await member(network).arrival) as Awaited<ReturnType<typeof receiveAll>>,

    async end(): Promise<void> {
      await Promise.all([...members.values()].map(({ swarm }) => swarm.close()))
    },
  }
}

/** Starts a participant in a process of its own. */
export const startPathParticipant = () => startProcess<PathParticipant>(fileURLToPath(import.meta.url))
export type PathProcess = ReturnType<typeof startPathParticipant>

serveParent(createPathParticipant)
