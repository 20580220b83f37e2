import {
  type AttemptSignal,
  type Channel,
  createRuntime,
  type IncomingAttempt,
  type Path,
  type PeerId,
  type Runtime,
  type SignalLine,
  type SwarmError,
  type Transport,
} from '@resilient-swarm/contract'

export const BOB = 'rs1bob' as PeerId
export const ALICE = 'rs1alice' as PeerId

export type Tamper = (signal: AttemptSignal, from: 'alice' | 'bob') => readonly AttemptSignal[]

/** Two ends of an attempt's signals in memory; each arrives in a later micro-task, as a copy. */
export function createSignalLines(tamper: Tamper = (signal) => [signal]): { alice: SignalLine; bob: SignalLine } {
  const alice = new SignalEnd()
  const bob = new SignalEnd()
  alice.deliver = (signal) => {
    for (const each of tamper(signal, 'alice')) bob.take(each)
  }
  bob.deliver = (signal) => {
    for (const each of tamper(signal, 'bob')) alice.take(each)
  }
  return { alice, bob }
}

/** One end of an attempt's signals; what is given to `take` arrives, what is sent goes to `deliver`. */
export class SignalEnd implements SignalLine {
  readonly attempt = '00'.repeat(16)
  deliver: (signal: AttemptSignal) => void = () => {}
  #waiting: AttemptSignal[] = []
  #receive: ((signal: AttemptSignal) => void) | undefined

  get onSignal(): (signal: AttemptSignal) => void {
    return this.#receive ?? (() => {})
  }

  set onSignal(receive: (signal: AttemptSignal) => void) {
    this.#receive = receive
    for (const signal of this.#waiting.splice(0)) receive(signal)
  }

  async send(signal: AttemptSignal): Promise<void> {
    const copy = JSON.parse(JSON.stringify(signal))
    queueMicrotask(() => this.deliver(copy))
  }

  take(signal: AttemptSignal): void {
    if (this.#receive) this.#receive(signal)
    else this.#waiting.push(signal)
  }
}

export interface PathPair {
  readonly alice: Path
  readonly bob: Path
}

export interface PathPairOptions {
  readonly alice: Transport
  readonly bob: Transport
  readonly runtime?: Runtime
  readonly tamper?: Tamper
  readonly signal?: AbortSignal
}

/** Alice dials, bob answers. */
export async function connectPaths(options: PathPairOptions): Promise<PathPair> {
  for (let triesLeft = options.tamper ? 1 : TRIES_MAX; ; triesLeft--) {
    try {
      return await connectOnce(options)
    } catch (error) {
      // node-datachannel loses a connection now and then (see OFFERS_MAX): whoever calls dials again, and so do tests.
      if (triesLeft === 1 || (error as SwarmError).code !== 'ERR_WEBRTC_FAILED') throw error
    }
  }
}

const TRIES_MAX = 3

async function connectOnce({ alice, bob, runtime = createRuntime(), tamper, signal }: PathPairOptions): Promise<PathPair> {
  const lines = createSignalLines(tamper)
  const answer = answerer(bob, runtime)
  const never = new AbortController().signal
  const answering = new AbortController()
  const answered = answer({ from: ALICE, signals: lines.bob, signal: answering.signal })
  answered.catch(() => {})
  let dialled: Path | undefined
  try {
    dialled = await alice.dial(BOB, { runtime, signals: lines.alice, signal: signal ?? never })
    return { alice: dialled, bob: await answered }
  } catch (error) {
    answering.abort()
    dialled?.channel.abort(error as SwarmError)
    throw error
  }
}

/** What the transport registers with a facade that listens. */
export function answerer(transport: Transport, runtime: Runtime): (attempt: IncomingAttempt) => Promise<Path> {
  let answer: ((attempt: IncomingAttempt) => Promise<Path>) | undefined
  transport.listen({ runtime, accept: () => {}, onAttempt: (register) => (answer = register) })
  if (!answer) throw new Error('the transport did not register')
  return answer
}

export function channelsOf({ alice, bob }: PathPair): { alice: Channel; bob: Channel } {
  return { alice: alice.channel, bob: bob.channel }
}
