// A process of its own for the tests of endings: `main.js <scene>`; says `ended` when it has nothing left to do.
import { type AttemptSignal, createRuntime, SwarmError } from '@resilient-swarm/contract'
import { webrtc } from '../../src/index.ts'
import { ALICE, answerer, BOB, connectPaths, createSignalLines, SignalEnd } from '../path-pair.ts'

const runtime = createRuntime()
const transport = webrtc()
const never = new AbortController().signal
const enough = new SwarmError('Enough.', { code: 'ERR_ENOUGH' })

const scenes: Record<string, () => Promise<unknown>> = {
  /** Both ends here, closed in order. */
  async closed() {
    const { alice, bob } = await connectPaths({ alice: transport, bob: transport })
    alice.channel.close()
    return Promise.all([alice.channel.closed, bob.channel.closed])
  },

  async aborted() {
    const { alice, bob } = await connectPaths({ alice: transport, bob: transport })
    alice.channel.abort(enough)
    return bob.channel.closed
  },

  /** Nobody answers. */
  async connecting() {
    const abort = new AbortController()
    const dialled = transport.dial(BOB, { runtime, signals: createSignalLines().alice, signal: abort.signal })
    runtime.clock.setTimer(100, () => abort.abort())
    return dialled.catch(() => {})
  },

  /** An offer came, was answered, and nothing more. */
  async answering() {
    const lines = createSignalLines((signal, from) => (from === 'bob' ? [] : [signal]))
    const abort = new AbortController()
    const answered = answerer(transport, runtime)({ from: ALICE, signals: lines.bob, signal: abort.signal })
    const dialled = transport.dial(BOB, { runtime, signals: lines.alice, signal: abort.signal })
    runtime.clock.setTimer(200, () => abort.abort())
    return Promise.allSettled([answered, dialled])
  },

  /** Answers the parent process over its IPC channel, sends everything back and never ends by itself. */
  async echo() {
    const line = new SignalEnd()
    line.deliver = (signal) => void process.send?.(signal)
    process.on('message', (signal) => line.take(signal as AttemptSignal))
    const { channel } = await answerer(transport, runtime)({ from: ALICE, signals: line, signal: never })
    channel.onMessage = (message) => channel.send(message)
    return channel.closed
  },
}

await scenes[process.argv[2] ?? '']?.()
process.stdout.write('ended\n')
