import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { type AttemptSignal, createRuntime, type Path, SwarmError } from '@resilient-swarm/contract'
import wrtc from '@roamhq/wrtc'
import { REFUSE_CODES, type RtcImplementation, webrtc } from '../src/index.ts'
import { REMOTE_CANDIDATES_MAX } from '../src/limits.ts'
import { ALICE, answerer, BOB, connectPaths, createSignalLines } from './path-pair.ts'
import { OURS } from './sdp-samples.ts'

const runtime = createRuntime()
const never = new AbortController().signal
const over = new SwarmError('The test is over.', { code: 'ERR_TEST_OVER' })
const paths: Path[] = []
afterEach(async () => {
  for (const { channel } of paths.splice(0)) channel.abort(over)
})

async function connect(options: Parameters<typeof connectPaths>[0]) {
  const pair = await connectPaths(options)
  paths.push(pair.alice, pair.bob)
  return pair
}

/** node-datachannel loses a connection now and then (see OFFERS_MAX): whoever calls dials again, and so does this. */
async function connectPatiently(options: Parameters<typeof connectPaths>[0]) {
  for (let triesLeft = 3; ; triesLeft--) {
    try {
      return await connect(options)
    } catch (error) {
      if (triesLeft === 1) throw error
    }
  }
}

/** An implementation that keeps what it made. */
function watched(rtc: RtcImplementation): RtcImplementation & { readonly made: RTCPeerConnection[] } {
  const made: RTCPeerConnection[] = []
  class RTCPeerConnection extends rtc.RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      made.push(this as unknown as globalThis.RTCPeerConnection)
    }
  }
  return { RTCPeerConnection, made } as unknown as RtcImplementation & { made: globalThis.RTCPeerConnection[] }
}

async function dataChannelRtc() {
  return (await import('node-datachannel/polyfill')) as unknown as RtcImplementation
}

describe('a path', () => {
  it('has the kind webrtc and one binding on both ends: the initiator’s fingerprint, then the responder’s', async () => {
    const prints: string[] = []
    const transport = webrtc()
    const { alice, bob } = await connect({
      alice: transport,
      bob: transport,
      tamper: (signal) => {
        if ('sdp' in signal) prints.push(/sha-256 (.*)/.exec(signal.sdp)?.[1]?.replaceAll(':', '').toLowerCase().trim() ?? '')
        return [signal]
      },
    })
    expect([alice.kind, bob.kind, transport.name]).toEqual(['webrtc', 'webrtc', 'webrtc'])
    const [offered, answered] = [prints.at(-2), prints.at(-1)]
    expect(Buffer.from(alice.binding).toString('hex')).toBe(`${offered}${answered}`)
    expect(bob.binding).toEqual(alice.binding)
  })

  it('is made by one signal each way where gathering is quick, with the offerer as DTLS client', async () => {
    const signals: AttemptSignal[] = []
    const keep = (signal: AttemptSignal) => {
      signals.push(signal)
      return [signal]
    }
    await connect({ alice: webrtc(), bob: webrtc(), tamper: keep })
    const offers = signals.filter(({ kind }) => kind === 'offer')
    expect(signals.filter(({ kind }) => kind === 'candidates')).toEqual([])
    expect(offers[0]).toMatchObject({ sdp: expect.stringContaining('a=setup:active') })
    expect(signals.at(-1)).toMatchObject({ kind: 'answer', sdp: expect.stringContaining('a=setup:passive') })
    for (const signal of signals) expect(JSON.stringify(signal).length).toBeLessThan(1536)
  })

  it('needs no candidates from one of the sides', async () => {
    for (const silent of ['alice', 'bob']) {
      const tamper = (signal: AttemptSignal, from: string) => [
        from === silent && 'candidates' in signal ? { ...signal, candidates: [] } : signal,
      ]
      await connect({ alice: webrtc(), bob: webrtc(), tamper })
    }
  })

  it('stands although candidates overtake the offer and everything comes twice', async () => {
    const tamper = (signal: AttemptSignal): AttemptSignal[] => {
      if (!('sdp' in signal)) return [signal, signal]
      const candidates: AttemptSignal = { kind: 'candidates', candidates: signal.candidates }
      const bare: AttemptSignal = { ...signal, candidates: [] }
      return [candidates, candidates, bare, bare]
    }
    await connect({ alice: webrtc(), bob: webrtc(), tamper })
  })

  it('stands although mallory’s candidates come in between, and takes no more than its limit of them', async () => {
    const rtc = watched(await dataChannelRtc())
    const junk = ['x', null, { candidate: 'candidate:1 1 udp 1 mallory.example 1 typ host' }, 42, {}]
    const tamper = (signal: AttemptSignal): AttemptSignal[] => {
      if (!('candidates' in signal)) return [signal]
      const flood = Array.from({ length: 100 }, (_, port) => ({
        candidate: `candidate:1 1 udp 1 127.0.0.9 ${port + 1} typ host`,
        sdpMid: 'mallory',
        sdpMLineIndex: 7,
      }))
      return [
        { ...signal, candidates: [...signal.candidates, ...junk, ...flood] as never },
        { kind: 'candidates', candidates: flood },
      ]
    }
    await connectPatiently({ alice: webrtc({ rtc }), bob: webrtc({ rtc }), tamper })
    for (const connection of rtc.made) {
      const { ext_remoteCandidates: taken } = connection as unknown as { ext_remoteCandidates: unknown[] }
      expect(taken.length).toBeLessThanOrEqual(REMOTE_CANDIDATES_MAX)
    }
  })

  it('is not made with a spliced fingerprint', async () => {
    const tamper = (signal: AttemptSignal): AttemptSignal[] =>
      'sdp' in signal ? [{ ...signal, sdp: signal.sdp.replace(/sha-256 ..:../, 'sha-256 00:00') }] : [signal]
    const dialled = connect({ alice: webrtc({ connectTimeoutMs: 2000 }), bob: webrtc({ connectTimeoutMs: 2000 }), tamper })
    await expect(dialled).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_WEBRTC_(FAILED|TIMEOUT|REFUSED)$/) })
  })
})

describe('a dial that does not succeed', () => {
  const deaf = (from: 'alice' | 'bob') => (signal: AttemptSignal, sender: string) => (sender === from ? [] : [signal])

  it('times out in words that say whether the peer answered', async () => {
    const alice = webrtc({ connectTimeoutMs: 200 })
    await expect(connect({ alice, bob: webrtc({ connectTimeoutMs: 400 }), tamper: deaf('bob') })).rejects.toMatchObject({
      code: 'ERR_WEBRTC_TIMEOUT',
      retryable: true,
      message: expect.stringContaining('did not answer'),
    })
  })

  it('ends with ERR_ABORTED when its caller gives up, before and during, and tells the peer', async () => {
    const told: AttemptSignal[] = []
    const keep = (signal: AttemptSignal) => {
      told.push(signal)
      return []
    }
    const transport = webrtc()
    const dial = (signal: AbortSignal) => transport.dial(BOB, { runtime, signals: createSignalLines(keep).alice, signal })
    await expect(dial(AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    const abort = new AbortController()
    const dialled = dial(abort.signal)
    setImmediate(() => abort.abort(new Error('changed my mind')))
    await expect(dialled).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: { message: 'changed my mind' } })
    await new Promise(setImmediate)
    expect(told.at(-1)).toEqual({ kind: 'refuse', code: REFUSE_CODES.cancelled })
  })

  it('ends at once when the peer refuses, whatever number it gives', async () => {
    for (const [code, words] of [
      [REFUSE_CODES.sdp, 'cannot take our description'],
      [99, 'code 99'],
      ['x', 'code unknown'],
    ] as const) {
      const refuse = (signal: AttemptSignal, from: string): AttemptSignal[] =>
        from === 'bob' ? [{ kind: 'refuse', code: code as number }] : [signal]
      await expect(connect({ alice: webrtc(), bob: webrtc({ connectTimeoutMs: 300 }), tamper: refuse })).rejects.toMatchObject({
        code: 'ERR_WEBRTC_REFUSED',
        message: expect.stringContaining(words),
      })
    }
  })

  it('rejects with the error of the signals when no route took the offer', async () => {
    const lines = createSignalLines()
    const offline = new SwarmError('bob is offline.', { code: 'ERR_SIGNAL_OFFLINE' })
    lines.alice.send = () => Promise.reject(offline)
    await expect(webrtc().dial(BOB, { runtime, signals: lines.alice, signal: never })).rejects.toBe(offline)
  })

  it('takes no answer that fails the gate', async () => {
    const bad = (signal: AttemptSignal): AttemptSignal[] => (signal.kind === 'answer' ? [{ ...signal, sdp: OURS }] : [signal])
    await expect(connect({ alice: webrtc(), bob: webrtc({ connectTimeoutMs: 500 }), tamper: bad })).rejects.toMatchObject({
      code: 'ERR_WEBRTC_SDP',
    })
  })
})

describe('an answer that does not succeed', () => {
  it('makes no connection for an offer that fails the gate, and refuses it', async () => {
    const rtc = watched(await dataChannelRtc())
    const lines = createSignalLines()
    const answered = answerer(webrtc({ rtc }), runtime)({ from: ALICE, signals: lines.bob, signal: never })
    const refusal = new Promise<AttemptSignal>((resolve) => {
      lines.alice.onSignal = resolve
    })
    await lines.alice.send({ kind: 'offer', sdp: `${OURS}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n`, candidates: [] })
    await expect(answered).rejects.toMatchObject({ code: 'ERR_WEBRTC_SDP' })
    expect(await refusal).toEqual({ kind: 'refuse', code: REFUSE_CODES.sdp })
    expect(rtc.made).toEqual([])
  })

  it('ends for those under way, and refuses new ones, when the listener closes', async () => {
    const transport = webrtc()
    const lines = createSignalLines()
    let answer: Parameters<Parameters<typeof transport.listen>[0]['onAttempt']>[0] | undefined
    const listening = transport.listen({ runtime, accept: () => {}, onAttempt: (register) => (answer = register) })
    const underWay = answer?.({ from: ALICE, signals: lines.bob, signal: never })
    void listening.close()
    await expect(underWay).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await expect(answer?.({ from: ALICE, signals: lines.bob, signal: never })).rejects.toMatchObject({
      code: 'ERR_WEBRTC_CLOSED',
    })
  })

  it('ends when the dialler gives up', async () => {
    const lines = createSignalLines()
    const answered = answerer(webrtc(), runtime)({ from: ALICE, signals: lines.bob, signal: never })
    await lines.alice.send({ kind: 'refuse', code: REFUSE_CODES.cancelled })
    await expect(answered).rejects.toMatchObject({ code: 'ERR_WEBRTC_REFUSED', message: expect.stringContaining('gave up') })
  })
})

describe('webrtc()', () => {
  it('refuses options that it does not have or cannot use', () => {
    for (const options of [{ stun: [] }, { rtc: {} }, { iceServers: 'stun:x' }, { iceTransportPolicy: 'none' }]) {
      expect(() => webrtc(options as never)).toThrow(TypeError)
    }
    for (const connectTimeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => webrtc({ connectTimeoutMs })).toThrow(RangeError)
    }
    for (const connectionsPerSecond of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => webrtc({ connectionsPerSecond })).toThrow(RangeError)
    }
  })

  it('uses no server of anybody by default, and gives each connection its own copy of the user’s', async () => {
    const configurations: (RTCConfiguration | undefined)[] = []
    const failing = {
      RTCPeerConnection: class {
        constructor(configuration?: RTCConfiguration) {
          configurations.push(configuration)
          throw new Error('no network')
        }
      },
    } as unknown as RtcImplementation
    const iceServers = [{ urls: 'stun:stun.example' }]
    for (const transport of [webrtc({ rtc: failing }), webrtc({ rtc: failing, iceServers })]) {
      const dialled = transport.dial(BOB, { runtime, signals: createSignalLines().alice, signal: never })
      await expect(dialled).rejects.toMatchObject({ code: 'ERR_WEBRTC_UNSUPPORTED', cause: { message: 'no network' } })
    }
    expect(configurations[0]?.iceServers).toEqual([])
    expect(configurations[1]?.iceServers).toEqual(iceServers)
    expect(configurations[1]?.iceServers?.[0]).not.toBe(iceServers[0])
  })

  it('never loads node-datachannel when another implementation is given', async () => {
    jest.unstable_mockModule('node-datachannel/polyfill', () => {
      throw new Error('was loaded')
    })
    jest.resetModules()
    const { webrtc: fresh } = await import('../src/index.ts')
    await connect({ alice: fresh({ rtc: wrtc }), bob: fresh({ rtc: wrtc }) })
    const dialled = fresh().dial(BOB, { runtime, signals: createSignalLines().alice, signal: never })
    await expect(dialled).rejects.toMatchObject({ code: 'ERR_WEBRTC_UNSUPPORTED' })
  })
})
