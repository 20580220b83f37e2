import { fileURLToPath } from 'node:url'
import { secureChannel } from '@resilient-swarm/cipher-stream'
import {
  type AttemptSignal,
  type Channel,
  createRuntime,
  type Path,
  type PeerId,
  type SignalLine,
} from '@resilient-swarm/contract'
import { createKeyPair, publicKeyOf } from '@resilient-swarm/identity'
import { createSession, readHello } from '@resilient-swarm/session'
import { webrtc } from '@resilient-swarm/webrtc'
import { serveParent, startProcess } from './process.ts'
import { required } from './required.ts'

/** What a process that measures a session can be asked to do. Arguments and results are plain data. */
type SessionParticipant = ReturnType<typeof createSessionParticipant>

/** What carries the messages: the sealed channel itself, or a session over one. */
export type Carrier = 'cipher' | 'session'

/** Of a path that another asks for: what is said on it, and by whom. */
interface ConnectOptions {
  readonly carrier: Carrier
  readonly role: 'initiator' | 'responder'
  readonly peer: PeerId
}

/** One end of one sealed WebRTC path for each carrier. */
function createSessionParticipant() {
  const runtime = createRuntime()
  const keyPair = createKeyPair()
  const transport = webrtc()
  const lines: Record<Carrier, ParentLine> = { cipher: new ParentLine(), session: new ParentLine() }
  const channels = new Map<Carrier, Channel>()
  const arrivals = new Map<Carrier, Promise<number>>()
  const { signal } = new AbortController()
  const channelOf = (carrier: Carrier) => required(channels.get(carrier), `there is no ${carrier}`)

  function makePath({ carrier, role, peer }: ConnectOptions): Promise<Path> {
    const signals = lines[carrier]
    if (role === 'initiator') return transport.dial(peer, { runtime, signals, signal })
    return new Promise((resolve) => {
      transport.listen({ runtime, accept() {}, onAttempt: (answer) => resolve(answer({ from: peer, signals, signal })) })
    })
  }

  async function startSession(channel: Channel, role: ConnectOptions['role']): Promise<Channel> {
    const session = createSession({ runtime })
    const facts = { kind: 'webrtc', isDirect: true }
    if (role === 'initiator') await session.addPath({ channel, facts })
    else session.acceptPath({ channel, facts, hello: await readHello({ channel, runtime }) })
    return session
  }

  return {
    key: async (): Promise<PeerId> => keyPair.peerId,
    async connect({ carrier, role, peer }: ConnectOptions): Promise<void> {
      const { channel, kind, binding } = await makePath({ carrier, role, peer })
      const expected = publicKeyOf(peer)
      const secure = await secureChannel({ channel, role, keyPair, network: 'bench', kind, binding, expected, runtime })
      channels.set(carrier, carrier === 'cipher' ? secure : await startSession(secure, role))
    },
    /** What the other end must hear next; whoever measures carries it there. */
    nextSignal: (carrier: Carrier): Promise<AttemptSignal> => lines[carrier].next(),
    hear: async (carrier: Carrier, heard: AttemptSignal): Promise<void> => lines[carrier].onSignal(heard),

    messageBytesMax: async (carrier: Carrier): Promise<number> => channelOf(carrier).maxMessageBytes,
    async send(carrier: Carrier, count: number, messageBytes: number): Promise<void> {
      const channel = channelOf(carrier)
      for (let sent = 0; sent < count; sent++) {
        if (channel.send(new Uint8Array(messageBytes))) continue
        await new Promise<void>((resolve) => {
          channel.onDrain = resolve
        })
      }
    },
    /** From now on messages count. */
    async expect(carrier: Carrier, count: number): Promise<void> {
      const channel = channelOf(carrier)
      const arrival = new Promise<number>((resolve) => {
        let received = 0
        let startedMs = 0
        channel.onMessage = () => {
          if (received === 0) startedMs = performance.now()
          if (++received === count) resolve(performance.now() - startedMs)
        }
      })
      arrivals.set(carrier, arrival)
    },
    /** Resolves with the ms from the first expected message to the last. */
    received: (carrier: Carrier): Promise<number> => required(arrivals.get(carrier), 'nothing is expected'),
    async end(): Promise<void> {
      for (const channel of channels.values()) channel.close()
      await Promise.all([...channels.values()].map(({ closed }) => closed))
    },
  }
}

/** A line by way of the parent process. What is heard before the transport listens waits. */
class ParentLine implements SignalLine {
  readonly attempt = '00'.repeat(16)
  readonly #said: AttemptSignal[] = []
  readonly #heard: AttemptSignal[] = []
  #wanted: ((signal: AttemptSignal) => void) | undefined
  #receive: ((signal: AttemptSignal) => void) | undefined

  get onSignal(): (signal: AttemptSignal) => void {
    return this.#receive ?? ((signal) => void this.#heard.push(signal))
  }

  set onSignal(receive: (signal: AttemptSignal) => void) {
    this.#receive = receive
    for (const signal of this.#heard.splice(0)) receive(signal)
  }

  async send(signal: AttemptSignal): Promise<void> {
    const wanted = this.#wanted
    this.#wanted = undefined
    if (wanted) wanted(signal)
    else this.#said.push(signal)
  }

  async next(): Promise<AttemptSignal> {
    return (
      this.#said.shift() ??
      new Promise((resolve) => {
        this.#wanted = resolve
      })
    )
  }
}

/** Starts a participant in a process of its own. */
export const startSessionParticipant = () => startProcess<SessionParticipant>(fileURLToPath(import.meta.url))
export type SessionProcess = ReturnType<typeof startSessionParticipant>

serveParent(createSessionParticipant)
