import { describe, expect, it } from '@jest/globals'
import type { AttemptSignal, PeerId } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { type AnswererOptions, createAnswerer, judgeOffer } from '../src/answer.ts'
import { createHandshakePlaces } from '../src/handshake-places.ts'
import { createHistory } from '../src/history.ts'
import { ATTEMPT_TIMEOUT_MS, HANDSHAKES_PENDING_MAX, HANDSHAKES_PENDING_PER_KEY_MAX, REFUSALS_BURST } from '../src/limits.ts'
import { REFUSAL_CODES } from '../src/refusal.ts'

const facts = {
  weAreDialing: false,
  ourPathStands: false,
  weAreLarger: true,
  isConnected: false,
  room: 'free',
  handshakes: 0,
  peers: 0,
  peersMax: 4,
} as const

describe('what becomes of an offer', () => {
  it.each([
    ['nothing is under way', {}, 'answer'],
    ['both dial and we are larger: our attempt wins', { weAreDialing: true }, 'ignore'],
    ['both dial and we are smaller: theirs wins', { weAreDialing: true, weAreLarger: false }, 'answer'],
    [
      'both dial and we are smaller, but our path stands',
      { weAreDialing: true, weAreLarger: false, ourPathStands: true },
      'ignore',
    ],
    ['as many handshakes as may be', { room: 'full' }, 'busy'],
    ['as many handshakes of the same peer as may be', { room: 'too many of this key' }, 'ignore'],
    ['room for one more peer', { peers: 3 }, 'answer'],
    ['no room', { peers: 4 }, 'busy'],
    ['handshakes under way take the room', { peers: 3, handshakes: 1 }, 'busy'],
    ['no room, but it is a peer that came back', { peers: 4, isConnected: true }, 'answer'],
  ] as const)('%s', (_, change, verdict) => {
    expect(judgeOffer({ ...facts, ...change })).toBe(verdict)
  })
})

/** An answerer whose paths never stand, and offers to it. */
function strangers(change: Partial<AnswererOptions> = {}) {
  const runtime = createTestRuntime()
  const sent: AttemptSignal[] = []
  const seen = { answering: 0 }
  const places = createHandshakePlaces()
  const answerer = createAnswerer({
    runtime,
    history: createHistory(runtime.clock),
    signal: new AbortController().signal,
    admit: () => true,
    places,
    judge: (from) => judgeOffer({ ...facts, room: places.room(from), handshakes: places.taken, peersMax: 64 }),
    answer: ({ signal }) => {
      seen.answering++
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('over'))))
    },
    welcome: () => Promise.reject(new Error('never')),
    ...change,
  })
  const offer = (from: PeerId) => {
    const scope = new AbortController()
    const send = async (signal: AttemptSignal) => {
      sent.push(signal)
      await new Promise<void>(() => {}) // no route ever takes it
    }
    answerer.receive({ from, scope, line: { attempt: 'a', send, onSignal() {} } })
    return scope
  }
  return { ...runtime, answerer, offer, sent, seen, places }
}

const keys = Array.from({ length: 40 }, (_, index) => createKeyPair({ seed: new Uint8Array(32).fill(index + 1) }).peerId)
const [mallory, bob] = keys as [PeerId, PeerId]

describe('an answer that leads nowhere, because the network changed', () => {
  it('is abandoned: its caller is told to begin anew, and others go on', async () => {
    const { clock, answerer, offer, sent, places } = strangers()
    const [abandoned, other] = [offer(bob), offer(mallory)]
    await clock.advance(0)
    answerer.abandon(bob)
    await clock.advance(0)
    expect(sent).toEqual([{ kind: 'refuse', code: REFUSAL_CODES.moved }])
    expect([abandoned.signal.aborted, other.signal.aborted]).toEqual([true, false])
    expect(places.taken).toBe(1)
    answerer.abandon(bob)
    expect(sent).toHaveLength(1)
  })
})

describe('strangers who offer and never finish', () => {
  it('one key cannot take every place', async () => {
    const { clock, offer, seen } = strangers()
    for (let count = 0; count < 2 * HANDSHAKES_PENDING_MAX; count++) offer(mallory)
    await clock.advance(0)
    expect(seen.answering).toBe(HANDSHAKES_PENDING_PER_KEY_MAX)
    offer(bob)
    await clock.advance(0)
    expect(seen.answering).toBe(HANDSHAKES_PENDING_PER_KEY_MAX + 1)
    await clock.advance(ATTEMPT_TIMEOUT_MS)
    expect(clock.pending).toBe(0)
  })

  it('are refused at a bounded rate, and a refusal that no route takes keeps nothing open', async () => {
    const { clock, offer, sent } = strangers()
    const scopes = keys.map(offer)
    await clock.advance(0)
    expect(sent).toHaveLength(REFUSALS_BURST)
    expect(scopes.filter(({ signal }) => !signal.aborted)).toHaveLength(HANDSHAKES_PENDING_MAX)
    expect(clock.pending).toBe(HANDSHAKES_PENDING_MAX)
  })

  it('who are not admitted give their place back at once, heard or not', async () => {
    const { clock, offer, sent, places } = strangers({ admit: () => false })
    const { signal } = offer(mallory)
    await clock.advance(0)
    expect(sent).toEqual([{ kind: 'refuse', code: REFUSAL_CODES.notAdmitted }])
    expect(signal.aborted).toBe(true)
    expect(places.taken).toBe(0)
  })

  it('an `admit` that never answers holds a place no longer than an attempt', async () => {
    const { clock, offer, places } = strangers({ admit: () => new Promise<boolean>(() => {}) })
    offer(mallory)
    await clock.advance(ATTEMPT_TIMEOUT_MS - 1)
    expect(places.taken).toBe(1)
    await clock.advance(1)
    expect(places.taken).toBe(0)
  })
})
