import { createSeededRandom } from '@resilient-swarm/testkit'
import { decodeFrame, type Frame } from '../src/frame.ts'
import {
  createSession,
  readHello,
  type Session,
  type SessionLimits,
  type SessionPath,
  type SessionPathEvent,
} from '../src/index.ts'
import { FaultyLink } from './faulty-link.ts'
import { SimulatedNode, SimulatedTime } from './simulated-time.ts'

export interface Way {
  readonly link: FaultyLink
  readonly ofAlice: SessionPath
  readonly ofBob: SessionPath
  /** What each side has sent on it. */
  readonly frames: { readonly alice: Frame[]; readonly bob: Frame[] }
}

export interface DialOptions {
  readonly delayMs?: number
  readonly isDirect?: boolean
  readonly bytesPerMs?: number
  readonly jitter?: number
}

/** Two nodes on one simulated time, and paths between them that can be broken. */
export class World {
  readonly time = new SimulatedTime()
  readonly nodes = { alice: new SimulatedNode(this.time, 1), bob: new SimulatedNode(this.time, 2) }
  readonly alice: Session
  readonly bob: Session
  readonly events: { readonly who: 'alice' | 'bob'; readonly atMs: number; readonly event: SessionPathEvent }[] = []
  readonly states: { readonly who: 'alice' | 'bob'; readonly atMs: number; readonly state: string }[] = []
  /** Numbers that bob got, and when. */
  readonly arrivals: { readonly number: number; readonly atMs: number }[] = []
  #number = 0
  #dialled = 0

  constructor(limits: Partial<SessionLimits> = {}) {
    this.alice = createSession({ runtime: this.nodes.alice.runtime, limits })
    this.bob = createSession({ runtime: this.nodes.bob.runtime, limits })
    for (const who of ['alice', 'bob'] as const) {
      this[who].onPath = (event) => this.events.push({ who, atMs: this.time.nowMs, event })
      this[who].onState = (state) => this.states.push({ who, atMs: this.time.nowMs, state })
    }
    this.bob.onMessage = (message) => {
      const number = new DataView(message.buffer, message.byteOffset).getUint32(0)
      this.arrivals.push({ number, atMs: this.time.nowMs })
    }
    this.alice.onMessage = () => {}
  }

  async dial({ delayMs = 10, isDirect = true, bytesPerMs = 20_000, jitter = 0 }: DialOptions = {}): Promise<Way> {
    const nodes = [this.nodes.alice, this.nodes.bob] as const
    const link = new FaultyLink({ nodes, random: createSeededRandom(7), delayMs, jitter, bytesPerMs })
    const facts = { kind: `way ${this.#dialled++}`, isDirect }
    const frames = { alice: [] as Frame[], bob: [] as Frame[] }
    link.ends[0].tap = (message) => frames.alice.push(decodeFrame(message))
    link.ends[1].tap = (message) => frames.bob.push(decodeFrame(message))
    const accepted = readHello({ channel: link.ends[1], runtime: this.nodes.bob.runtime }).then((hello) =>
      this.bob.acceptPath({ channel: link.ends[1], facts, hello }),
    )
    const both = Promise.all([this.alice.addPath({ channel: link.ends[0], facts }), accepted])
    await this.pass(4 * delayMs + 1)
    const [ofAlice, ofBob] = await both
    return { link, ofAlice, ofBob, frames }
  }

  pass(ms: number): Promise<boolean> {
    return this.time.run(this.time.nowMs + ms)
  }

  /** Alice sends the next number. */
  send(byteCount = 100): boolean {
    const message = new Uint8Array(byteCount)
    new DataView(message.buffer).setUint32(0, this.#number++)
    return this.alice.send(message)
  }

  /** Alice sends a number each `everyMs`, for so long. */
  async stream({ everyMs, forMs, byteCount = 100 }: { everyMs: number; forMs: number; byteCount?: number }): Promise<void> {
    for (let atMs = 0; atMs < forMs; atMs += everyMs) {
      this.send(byteCount)
      await this.pass(everyMs)
    }
  }

  /** The longest pause between two arrivals at bob since then. */
  longestPauseMs(sinceMs: number): number {
    const times = this.arrivals.map(({ atMs }) => atMs).filter((atMs) => atMs >= sinceMs)
    return Math.max(...times.map((atMs, index) => atMs - (times[index - 1] ?? atMs)))
  }

  /** That everything sent so far has come once and in order. */
  get isComplete(): boolean {
    return this.arrivals.length === this.#number && this.arrivals.every(({ number }, index) => number === index)
  }

  /** When such an event came first, since then. */
  when(who: 'alice' | 'bob', kind: SessionPathEvent['kind'], sinceMs = 0): number | undefined {
    return this.events.find((one) => one.who === who && one.event.kind === kind && one.atMs >= sinceMs)?.atMs
  }

  count(who: 'alice' | 'bob', kind: SessionPathEvent['kind'], sinceMs = 0): number {
    return this.events.filter((one) => one.who === who && one.event.kind === kind && one.atMs >= sinceMs).length
  }
}

export function dataIn(frames: readonly Frame[]): number[] {
  return frames.flatMap((frame) => (frame.type === 'data' ? [frame.seq] : []))
}

export function countOf(type: Frame['type'], frames: readonly Frame[]): number {
  return frames.filter((frame) => frame.type === type).length
}
