import { type CloseReason, type Random, SwarmError } from '@resilient-swarm/contract'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { CLOSE_CODES, createSession, judgeHello, readHello, refusePath, type Session, type SessionLimits } from '../src/index.ts'
import { FRAME_COST_BYTES } from '../src/limits.ts'
import { FaultyLink } from './faulty-link.ts'
import { SimulatedNode, SimulatedTime } from './simulated-time.ts'

const FAULTS_MS = 20_000
const PATIENCE_MS = 120_000
const LIMITS: Partial<SessionLimits> = { windowBytes: 64 * 1024, windowBytesMax: 256 * 1024 }
const FRAME_SPAN_BYTES = 16 * 1024 + FRAME_COST_BYTES

/** One run, wholly made by its seed; throws an Error that says which promise was broken. */
export async function simulate(seed: number): Promise<Story> {
  const simulation = new Simulation(seed)
  await simulation.run()
  return simulation.story
}

/** What happened in a run, so that a thousand of them can be asked whether they tried everything. */
export interface Story {
  paths: number
  killed: number
  stalled: number
  halfOpen: number
  outages: number
  frozen: number
  retired: number
  restarts: number
  suspicions: number
  changes: number
  messages: number
  aborted: boolean
}

interface Party {
  readonly name: 'alice' | 'bob'
  readonly node: SimulatedNode
  session: Session
  toSend: number
  sent: number
  received: number
  isWaiting: boolean
  end: CloseReason | undefined
}

class Simulation {
  readonly story: Story = {
    paths: 0,
    killed: 0,
    stalled: 0,
    halfOpen: 0,
    outages: 0,
    frozen: 0,
    retired: 0,
    restarts: 0,
    suspicions: 0,
    changes: 0,
    messages: 0,
    aborted: false,
  }
  readonly #seed: number
  readonly #random: Random
  readonly #time = new SimulatedTime()
  readonly #alice: Party
  readonly #bob: Party
  #links: FaultyLink[] = []
  #outageUntilMs = 0
  #areFaultsOver = false
  #isEnding = false
  #failure: Error | undefined

  constructor(seed: number) {
    this.#seed = seed
    this.#random = createSeededRandom(seed)
    this.#alice = this.#createParty('alice', seed * 2 + 1)
    this.#bob = this.#createParty('bob', seed * 2 + 2)
  }

  async run(): Promise<void> {
    const endsByRestart = this.#chance(0.15)
    for (const party of this.#parties) this.#bursts(party)
    this.#dialAgain()
    const faults = this.#integer(0, 12)
    for (let index = 0; index < faults; index++) this.#time.after(this.#random.fraction() * FAULTS_MS, () => this.#fault())
    if (endsByRestart) this.#time.after((0.2 + 0.8 * this.#random.fraction()) * FAULTS_MS, () => this.#restart())
    await this.#until(FAULTS_MS)
    this.#areFaultsOver = true
    for (const link of this.#links) for (const end of link.ends) end.resume()
    await this.#until(FAULTS_MS + PATIENCE_MS, () =>
      this.#parties.every(({ toSend, received }, index) => {
        const other = this.#parties[1 - index] as Party
        return other.toSend === received && toSend === (this.#parties[1 - index] as Party).received
      }),
    )
    for (const { name, toSend } of this.#parties) {
      const other = name === 'alice' ? this.#bob : this.#alice
      this.#check(other.received === toSend, `${other.name} got ${other.received} of ${toSend} messages although a path lives`)
    }
    await this.#finish()
  }

  /** One side ends it; both agree on how, and nothing keeps a timer. */
  async #finish(): Promise<void> {
    const [ender, other] = this.#chance(0.5) ? [this.#alice, this.#bob] : [this.#bob, this.#alice]
    const aborts = this.#chance(0.2)
    this.story.aborted = aborts
    await this.#until(this.#time.nowMs + 12_000) // dead paths are found dead, so that nothing excuses a close that fails
    await this.#until(this.#time.nowMs + 60_000, () => this.#parties.every(({ session }) => session.state === 'connected'))
    this.#isEnding = true
    if (aborts) ender.session.abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
    else ender.session.close({ by: 'us', code: 7 })
    await this.#until(this.#time.nowMs + 60_000, () => this.#parties.every(({ end }) => end !== undefined))
    this.#check(ender.end?.by === 'us' && ender.end.code === (aborts ? CLOSE_CODES.aborted : 7), `ended as ${told(ender.end)}`)
    const isLost = other.end?.error !== undefined
    this.#check(aborts === isLost, `the other side heard ${told(other.end)} of ${aborts ? 'an abort' : 'a close'}`)
    if (!aborts) this.#check(other.end?.by === 'peer' && other.end.code === 7, `the other side heard ${told(other.end)}`)
    await this.#until(this.#time.nowMs + 15_000)
    for (const { name, node } of this.#parties)
      this.#check(node.timers === 0, `${name} keeps ${node.timers} timers after the end`)
  }

  get #parties(): readonly Party[] {
    return [this.#alice, this.#bob]
  }

  #createParty(name: Party['name'], seed: number): Party {
    const node = new SimulatedNode(this.#time, seed)
    const party: Party = {
      name,
      node,
      session: createSession({ runtime: node.runtime, limits: LIMITS }),
      toSend: 0,
      sent: 0,
      received: 0,
      isWaiting: false,
      end: undefined,
    }
    this.#listen(party)
    return party
  }

  #listen(party: Party): void {
    const { session } = party
    session.onMessage = (message) => this.#received(party, message)
    session.onDrain = () => {
      party.isWaiting = false
      this.#send(party)
    }
    session.onPath = ({ kind }) => {
      if (kind === 'suspected') this.story.suspicions++
      if (kind === 'sending') this.story.changes++
    }
    void session.closed.then((end) => {
      if (party.session !== session) return
      party.end = end
      const isRestarted =
        this.story.restarts > 0 && (end.error?.code === 'ERR_SESSION_UNKNOWN' || end.error?.code === 'ERR_TEST_RESTARTED')
      if (isRestarted) this.#begin(party)
    })
  }

  /** A new session: everything is counted anew on both sides. */
  #begin(party: Party): void {
    party.session = createSession({ runtime: party.node.runtime, limits: LIMITS })
    party.end = undefined
    party.isWaiting = false
    party.sent = 0
    party.received = 0
    this.#listen(party)
    this.#send(party)
  }

  #bursts(party: Party): void {
    const bursts = this.#integer(1, 8)
    for (let burst = 0; burst < bursts; burst++) {
      const count = this.#integer(1, this.#chance(0.3) ? 60 : 8)
      this.#time.after(this.#random.fraction() * FAULTS_MS, () => {
        party.toSend += count
        this.story.messages += count
        this.#send(party)
      })
    }
  }

  #send(party: Party): void {
    const { session } = party
    while (!party.isWaiting && party.sent < party.toSend && session.state !== 'ended') {
      const bytes = bytesOf(party.name, party.sent++)
      if (!session.send(bytes)) party.isWaiting = true
      this.#check(session.keptBytes <= 256 * 1024 + FRAME_SPAN_BYTES, `${party.name} keeps ${session.keptBytes} bytes`)
    }
  }

  #received(party: Party, message: Uint8Array): void {
    const from = party.name === 'alice' ? 'bob' : 'alice'
    const expected = bytesOf(from, party.received++)
    const isSame = message.byteLength === expected.byteLength && Buffer.compare(message, expected) === 0
    this.#check(isSame, `${party.name} expected message ${party.received - 1} and got another`)
    this.#check(party.end === undefined, `${party.name} was handed a message after the end`)
  }

  // Paths, as a facade would make them

  /** Looks often: dials where there is no path, or none that is whole. */
  #dialAgain(): void {
    if (this.#isEnding) return
    const isLacking = this.#parties.some(
      ({ session }) => session.paths.length === 0 || session.paths.every((path) => path.isSuspected),
    )
    const mayDial = this.#time.nowMs >= this.#outageUntilMs && this.#links.filter((link) => link.isAlive).length < 6
    if (isLacking && mayDial) this.#dial()
    this.#time.after(300 + 700 * this.#random.fraction(), () => this.#dialAgain())
  }

  #dial(): void {
    const [dialling, dialled] = this.#chance(0.5) ? [this.#alice, this.#bob] : [this.#bob, this.#alice]
    if (dialling.session.state === 'ended') return
    this.story.paths++
    const nodes = [dialling.node, dialled.node] as const
    const link = new FaultyLink({
      nodes,
      random: this.#random,
      delayMs: this.#integer(1, this.#chance(0.2) ? 150 : 40),
      jitter: 0.3 * this.#random.fraction(),
      bytesPerMs: this.#integer(200, this.#chance(0.3) ? 500 : 20_000),
    })
    this.#links = [...this.#links.filter((one) => one.isAlive), link]
    const facts = { kind: `link ${this.story.paths}`, isDirect: this.#chance(0.6) }
    dialling.session.addPath({ channel: link.ends[0], facts }).catch((error: SwarmError) => this.#expectWorld(error))
    readHello({ channel: link.ends[1], runtime: dialled.node.runtime })
      .then((hello) => {
        const verdict = judgeHello(dialled.session, hello)
        if (verdict === 'stale' || (verdict === 'fits' && dialled.session.state === 'ended'))
          refusePath(link.ends[1], CLOSE_CODES.unknownSession)
        else {
          if (verdict === 'restarted') {
            this.#check(this.story.restarts > 0, 'nobody restarted, and yet a HELLO says so')
            dialled.session.giveUp(new SwarmError('A newer one came.', { code: 'ERR_TEST_RESTARTED' }))
            this.#begin(dialled)
          }
          dialled.session.acceptPath({ channel: link.ends[1], facts, hello })
        }
      })
      .catch((error: SwarmError) => this.#expectWorld(error))
  }

  #expectWorld(error: SwarmError): void {
    this.#check(error instanceof SwarmError && error.code !== 'ERR_SESSION_PROTOCOL', `dialling failed with ${error}`)
  }

  // What goes wrong

  #fault(): void {
    if (this.#areFaultsOver) return
    const alive = this.#links.filter((link) => link.isAlive)
    const link = alive[this.#integer(0, Math.max(0, alive.length - 1))]
    switch (this.#integer(0, 8)) {
      case 0:
      case 1:
        this.#dial()
        break
      case 2:
        if (link) this.#kill(link)
        break
      case 3:
        if (link) this.#stall(link.ends)
        break
      case 4:
        if (link) this.#stall([link.ends[this.#integer(0, 1)] as FaultyLink['ends'][0]])
        this.story.halfOpen++
        break
      case 5:
        for (const one of alive) this.#kill(one)
        // Together under the reconnect time, or sessions would end for a good reason.
        this.#outageUntilMs = Math.min(FAULTS_MS, this.#time.nowMs + this.#integer(500, 15_000))
        this.story.outages++
        break
      case 6: {
        const party = this.#chance(0.5) ? this.#alice : this.#bob
        party.node.freeze(this.#integer(20, 3_000))
        this.story.frozen++
        break
      }
      case 7: {
        const { session } = this.#chance(0.5) ? this.#alice : this.#bob
        const path = session.paths[this.#integer(0, Math.max(0, session.paths.length - 1))]
        if (this.#chance(0.7)) path?.retire()
        else path?.close()
        this.story.retired++
        break
      }
      default:
        if (link) link.facts = { ...link.facts, delayMs: this.#integer(1, 200), bytesPerMs: this.#integer(200, 5_000) }
    }
  }

  #kill(link: FaultyLink): void {
    this.story.killed++
    const later = () => (this.#chance(0.3) ? undefined : this.#integer(0, 8_000))
    link.kill([later(), later()])
  }

  #stall(ends: readonly FaultyLink['ends'][0][]): void {
    this.story.stalled++
    for (const end of ends) end.stall()
    if (this.#chance(0.5))
      this.#time.after(this.#integer(50, 6_000), () => {
        for (const end of ends) end.resume()
      })
  }

  /** Bob's process ends without a word and comes again with the same key. */
  #restart(): void {
    this.story.restarts++
    for (const link of this.#links) link.kill([this.#chance(0.5) ? undefined : 100, 0])
    const old = this.#bob.session
    this.#begin(this.#bob)
    old.onPath = () => {}
    old.onMessage = () => {}
    old.giveUp(new SwarmError('The process ended.', { code: 'ERR_TEST_ENDED' }))
    // Only what bob has not seen before is sent once more, as by an application that begins anew.
    this.#alice.received = 0
  }

  async #until(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    await this.#time.run(untilMs, () => this.#failure !== undefined || isDone())
    if (this.#failure) throw this.#failure
  }

  #check(isTrue: boolean, broken: string): void {
    if (isTrue || this.#failure) return
    const states = this.#parties.map(
      ({ name, session, sent, received, toSend }) =>
        `${name} ${session.state} ${sent}/${toSend} sent, ${received} received, ${session.paths.length} paths`,
    )
    this.#failure = new Error(`seed ${this.#seed} at ${this.#time.nowMs.toFixed(0)} ms: ${broken}; ${states.join('; ')}`)
  }

  #chance(share: number): boolean {
    return this.#random.fraction() < share
  }

  #integer(min: number, max: number): number {
    return min + Math.floor(this.#random.fraction() * (max - min + 1))
  }
}

/** Message `index` of one side: its length and bytes follow from both. */
function bytesOf(name: Party['name'], index: number): Uint8Array {
  const mixed = Math.imul(index + 1, 0x9e3779b1) >>> 0
  const length = index % 5 === 0 ? 4 + (mixed % 16_000) : 4 + (mixed % 200)
  const bytes = new Uint8Array(length).fill(name === 'alice' ? 0xa1 : 0xb0)
  new DataView(bytes.buffer).setUint32(0, index)
  return bytes
}

function told(end: CloseReason | undefined): string {
  return end === undefined ? 'nothing' : `${end.by} ${end.code} ${end.error?.code ?? 'in order'}`
}
