import { type AttemptSignal, type Channel, createRuntime, SwarmError } from '@resilient-swarm/contract'
import { describeChannelConformance } from '@resilient-swarm/testkit'
import { webrtc } from '../../src/index.ts'
import { ALICE, answerer, BOB, channelsOf, connectPaths, SignalEnd } from '../path-pair.ts'
import { runTests } from './mini-jest.ts'

const runtime = createRuntime()
const transport = webrtc({ connectionsPerSecond: 1_000 }) // how fast one stands is measured, not how many a page may have
const never = new AbortController().signal
let line: SignalEnd | undefined
let channel: Channel | undefined

/** What a test does in a page. */
const page = {
  /** The whole suite with both ends in this page. */
  async runConformance() {
    describeChannelConformance('a path from Chromium to Chromium', {
      create: async () => channelsOf(await connectPaths({ alice: transport, bob: transport })),
    })
    return runTests()
  },

  /** Makes the path of this page; its signals go out by `window.tellPeer` and come in by `hear`. */
  async connect(role: 'initiator' | 'responder') {
    line = new SignalEnd()
    line.deliver = (signal) => void window.tellPeer(signal)
    const startedMs = performance.now()
    const path =
      role === 'initiator'
        ? await transport.dial(BOB, { runtime, signals: line, signal: never })
        : await answerer(transport, runtime)({ from: ALICE, signals: line, signal: never })
    channel = path.channel
    void channel.closed.then(({ by, code, error }) => window.tellEnd({ by, code, error: error?.code }))
    return { binding: Array.from(path.binding), connectMs: performance.now() - startedMs }
  },

  hear(signal: AttemptSignal) {
    line?.take(signal)
  },

  /** Sends everything back that comes. */
  echo() {
    const open = current()
    open.onMessage = (message) => open.send(message)
  },

  /** Counts what comes and sums it up, so that nothing can be lost or changed unseen. */
  count() {
    const seen = { messages: 0, bytes: 0, sum: 0 }
    current().onMessage = (message) => {
      seen.messages++
      seen.bytes += message.byteLength
      seen.sum = (seen.sum + (message[0] ?? 0)) % 65_536
    }
    return Object.assign(window, { seen })
  },

  /** Sends as fast as the channel says; resolves with the milliseconds until everything was taken. */
  async send(totalBytes: number, messageBytes: number) {
    const open = current()
    const startedMs = performance.now()
    for (let sent = 0, index = 0; sent < totalBytes; sent += messageBytes, index++) {
      const drained = new Promise<void>((resolve) => {
        open.onDrain = resolve
      })
      if (!open.send(new Uint8Array(messageBytes).fill(index))) await drained
    }
    return performance.now() - startedMs
  },

  close() {
    current().close()
  },

  abort() {
    current().abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
  },
}

function current(): Channel {
  if (!channel) throw new Error('no path yet')
  return channel
}

declare global {
  interface Window {
    page: typeof page
    seen: { messages: number; bytes: number; sum: number }
    tellPeer(signal: AttemptSignal): Promise<void>
    tellEnd(end: { by: string; code: number; error: string | undefined }): Promise<void>
  }
}

window.page = page
