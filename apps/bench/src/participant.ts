import { type Peer, type Substream, Swarm } from 'resilient-swarm'
import { createRawEnd, MESSAGE_BYTES, type PeerConnectionMaker, type RawEnd, type RawSignal } from './raw-channel.ts'
import { required } from './required.ts'
import { pingTrips, receiveBytes, sendBytes } from './speed.ts'

/** What a measuring process or page can be asked to do. Arguments and results are plain data: they cross a process border. */
export type Participant = ReturnType<typeof createParticipant>

const RPC_PAYLOAD_BYTES = 50 // about a ping's line

/** One side of a measurement: it can hold a bare connection and a swarm at the same time, so that rounds alternate. */
export function createParticipant({ PeerConnection }: { PeerConnection: PeerConnectionMaker }) {
  let raw: RawEnd | undefined
  let swarm: Swarm | undefined
  let peer: Peer | undefined
  let load: Substream | undefined
  let arrivals: Promise<Substream> | undefined

  const rawEnd = () => required(raw, 'there is no bare connection')
  const connectedPeer = (): Peer => required(peer, 'there is no peer')

  return {
    async rawOffer(): Promise<RawSignal> {
      raw = createRawEnd(PeerConnection)
      return raw.offer()
    },
    async rawAnswer(offer: RawSignal): Promise<RawSignal> {
      raw = createRawEnd(PeerConnection)
      return raw.answer(offer)
    },
    rawAccept: (answer: RawSignal) => rawEnd().accept(answer),
    rawOpened: () => rawEnd().opened,
    rawSend: (totalBytes: number, bufferedBytes: number) => rawEnd().send(totalBytes, bufferedBytes),
    async rawExpect(totalBytes: number): Promise<void> {
      rawEnd().expect(totalBytes)
    },
    rawReceived: () => rawEnd().received(),
    async rawEcho(): Promise<void> {
      rawEnd().echo()
    },
    rawPingPong: (count: number) => rawEnd().pingPong(count, RPC_PAYLOAD_BYTES),

    async join(signals: string[]): Promise<string> {
      swarm = new Swarm({ signals })
      swarm.on('peer', (arrived) => {
        peer = arrived
      })
      await swarm.ready
      return swarm.publicKey
    },
    async call(key: string): Promise<void> {
      peer = await required(swarm, 'there is no swarm').call(key)
    },
    send: (totalBytes: number) => sendBytes(connectedPeer(), totalBytes),
    /** Must be asked before `receive`: says whose substream it will be. */
    async expectStream(): Promise<void> {
      const current = required(swarm, 'there is no swarm')
      arrivals = new Promise((resolve) => {
        current.once('stream', (stream) => resolve(stream))
      })
    },
    /** Resolves with the ms from the first bytes to the last. */
    receive: async (totalBytes: number) => receiveBytes(await required(arrivals, 'no substream is expected'), totalBytes),
    async startLoad(): Promise<void> {
      load = await connectedPeer().openStream('bench')
      const writer = load.writable.getWriter()
      void (async () => {
        for (;;) {
          await writer.ready
          await writer.write(new Uint8Array(MESSAGE_BYTES))
        }
      })().catch(() => {}) // ends with the reset
    },
    async drainLoad(): Promise<void> {
      const stream = await required(arrivals, 'no substream is expected')
      void stream.readable.pipeTo(new WritableStream()).catch(() => {})
    },
    async stopLoad(): Promise<void> {
      load?.reset()
    },
    pings: (count: number) => pingTrips(connectedPeer(), count),
    /** Calls a second with so many in flight. */
    async pingRate(count: number, inFlight: number): Promise<number> {
      const { rpc } = connectedPeer()
      let left = count
      const startedMs = performance.now()
      const lane = async () => {
        while (left-- > 0) await rpc.ping()
      }
      await Promise.all(Array.from({ length: inFlight }, lane))
      return (count * 1000) / (performance.now() - startedMs)
    },
    async end(): Promise<void> {
      raw?.close()
      await swarm?.close()
    },
  }
}
