import { describe, expect, it } from '@jest/globals'
import type { SecureChannel } from '@resilient-swarm/cipher-stream'
import { type Channel, type CloseReason, FINISHED, MessageSlot, type PeerId, SwarmError } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import type { Session } from '@resilient-swarm/session'
import { createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'
import { type Acquaintances, createAcquaintances } from '../src/acquaintances.ts'
import type { ProvenPath } from '../src/proven-path.ts'

const WILD_MS = 40_000
const CALM_MS = 90_000
const SEEDS = 12

/** An end of a channel on which everything takes its time. */
class SlowChannel implements Channel {
  readonly maxMessageBytes = 16 * 1024
  readonly closed: Promise<CloseReason>
  onDrain = () => {}
  other!: SlowChannel
  readonly #runtime: TestRuntime
  readonly #latencyMs: number
  readonly #slot = new MessageSlot({ waitingBytesMax: 1024 * 1024 })
  #hasEnded = false
  #resolve!: (reason: CloseReason) => void

  constructor(runtime: TestRuntime, latencyMs: number) {
    this.#runtime = runtime
    this.#latencyMs = latencyMs
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get onMessage() {
    return this.#slot.receive
  }

  set onMessage(receive: (message: Uint8Array) => void) {
    this.#slot.receive = receive
  }

  send(message: Uint8Array): boolean {
    if (!this.#hasEnded) this.#later(() => this.other.#hasEnded || this.other.#slot.push(message))
    return !this.#hasEnded
  }

  close(reason: CloseReason = FINISHED): void {
    this.end(reason)
  }

  abort(error: SwarmError): void {
    this.end({ by: 'us', code: 1, error })
  }

  end(reason: CloseReason): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#resolve(reason)
    this.#later(() => this.other.end({ ...reason, by: 'peer' }))
  }

  #later(act: () => void): void {
    this.#runtime.clock.setTimer(this.#latencyMs, act)
  }
}

interface Side {
  readonly id: PeerId
  readonly acquaintances: Acquaintances
  /** `+` met, `-` gone, as a user would be told. */
  readonly told: string[]
  readonly alive: Set<Session>
}

function createSide(runtime: TestRuntime): Side {
  const told: string[] = []
  const alive = new Set<Session>()
  let shown: Session | undefined
  const leave = (session: Session) => {
    if (shown !== session) return
    shown = undefined
    told.push('-')
  }
  const acquaintances = createAcquaintances({
    runtime,
    refuseNewcomer: () => undefined,
    onMet(_, session) {
      session.onMessage = () => {}
      alive.add(session)
      shown = session
      told.push('+')
      void session.closed.then(() => {
        alive.delete(session)
        leave(session)
      })
    },
    onPath: () => {},
    onState: () => {},
    onReplaced: (_, session) => leave(session),
  })
  return { id: createKeyPair().peerId, acquaintances, told, alive }
}

/** Both dial each other, give up, lose paths and say something, at any time; then nothing is lost any more. */
async function live(seed: number) {
  const runtime = createTestRuntime({ seed })
  const { clock } = runtime
  const chance = () => (runtime.random.bytes(1)[0] as number) / 256
  const sides = [createSide(runtime), createSide(runtime)] as const
  const open = new Set<SlowChannel>()

  function dial(from: Side, to: Side, isWild: boolean): void {
    const latencyMs = 5 + Math.floor(chance() * 200)
    const [near, far] = [new SlowChannel(runtime, latencyMs), new SlowChannel(runtime, latencyMs)]
    near.other = far
    far.other = near
    open.add(near)
    void near.closed.then(() => open.delete(near))
    const [dialling, dialled] = [new AbortController(), new AbortController()]
    if (isWild && chance() < 0.5) clock.setTimer(Math.floor(chance() * 600), () => dialling.abort())
    if (isWild && chance() < 0.2) clock.setTimer(Math.floor(chance() * 600), () => dialled.abort())
    if (isWild) clock.setTimer(Math.floor(chance() * 8_000), () => near.abort(new SwarmError('lost', { code: 'ERR_TEST' })))
    const proven = (id: PeerId, channel: Channel): ProvenPath => {
      return { id, path: { kind: 'slow', channel, binding: new Uint8Array(0) }, secure: channel as SecureChannel }
    }
    void from.acquaintances.join(proven(to.id, near), dialling.signal).catch(() => {})
    void to.acquaintances.welcome(proven(from.id, far), dialled.signal).catch(() => {})
  }

  const pass = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 20) await clock.advance(20)
  }
  for (let passedMs = 0; passedMs < WILD_MS; passedMs += 200) {
    for (const [from, to] of [sides, [sides[1], sides[0]] as const]) if (chance() < 0.3) dial(from, to, true)
    for (const { alive } of sides) for (const session of alive) session.send(runtime.random.bytes(10))
    await pass(200)
  }
  for (const channel of open) channel.abort(new SwarmError('calm', { code: 'ERR_TEST' }))
  await pass(1_000)
  for (let passedMs = 0; passedMs < CALM_MS; passedMs += 10_000) {
    const isStanding = sides.every(({ alive }) => [...alive].some(({ state }) => state === 'connected'))
    if (!isStanding) dial(sides[0], sides[1], false)
    await pass(10_000)
  }
  return sides
}

describe('two sides that dial each other, give up and lose paths at any time', () => {
  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
    'end with one session that both have: seed %i',
    async (seed) => {
      const [alice, bob] = await live(seed)
      for (const { told, alive, acquaintances } of [alice, bob]) {
        expect(told.join('')).toMatch(/^(\+-)*\+$/)
        expect(alive.size).toBe(1)
        expect(acquaintances.size).toBe(1)
      }
      const [ofAlice, ofBob] = [[...alice.alive][0], [...bob.alive][0]]
      expect(ofAlice?.peerTag).toEqual(ofBob?.tag)
      expect(ofBob?.peerTag).toEqual(ofAlice?.tag)
    },
    30_000,
  )
})
