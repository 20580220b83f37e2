import type { Channel, CloseReason, Runtime, SwarmError } from '@resilient-swarm/contract'
import { type Candidate, type Choice, chooseInNeed, choosePath, NO_CHOICE } from './choose-path.ts'
import { sessionError } from './errors.ts'
import type { Hello } from './hello.ts'
import { DEAD_QUIET_MS } from './limits.ts'
import type { PathFacts, SessionPathEvent } from './options.ts'
import { PathWatch } from './path-watch.ts'
import { LivePath } from './session-path.ts'

/** What the paths tell the session that they belong to. */
export interface PathSetPort {
  readonly onMessage: (path: LivePath, message: Uint8Array) => void
  readonly onDrain: (path: LivePath) => void
  readonly onRetire: (path: LivePath) => void
  readonly onLost: (path: LivePath) => void
  /** `transmit` or `trusted` changed. */
  readonly onRoute: () => void
  readonly onEvent: (event: SessionPathEvent) => void
}

/** The paths of one session: which there are, by which DATA goes, and what is told of them. */
export class PathSet {
  /** Where new DATA goes now: the sending path, or a backup while that is suspected. */
  transmit: LivePath | undefined
  /** Bits of the paths from which what was sent is expected to arrive. */
  trusted = 0
  #live: LivePath[] = []
  #sending: LivePath | undefined
  #choice: Choice = NO_CHOICE
  #slots = 0
  #events: SessionPathEvent[] = []
  #hasStopped = false
  readonly #runtime: Runtime
  readonly #pathsMax: number
  readonly #port: PathSetPort
  readonly #watch: PathWatch

  constructor({ runtime, pathsMax, port }: { runtime: Runtime; pathsMax: number; port: PathSetPort }) {
    this.#runtime = runtime
    this.#pathsMax = pathsMax
    this.#port = port
    this.#watch = new PathWatch({
      clock: runtime.clock,
      paths: this,
      onSuspected: (path) => {
        this.#tell({ kind: 'suspected', path, told: `${path.name} is silent, what is under way on it goes by a backup too` })
      },
      onDead: (path) => path.abort(silent(path)),
      onLooked: () => this.#review(),
    })
  }

  get live(): readonly LivePath[] {
    return this.#live
  }

  get sending(): LivePath | undefined {
    return this.#sending
  }

  /** A place for a path that greets; undefined when there is none. */
  reserve(): number | undefined {
    for (let slot = 0; slot < this.#pathsMax; slot++) {
      if ((this.#slots & (1 << slot)) !== 0) continue
      this.#slots |= 1 << slot
      return slot
    }
    return undefined
  }

  release(slot: number): void {
    this.#slots &= ~(1 << slot)
  }

  create({ channel, facts, slot }: { channel: Channel; facts: PathFacts; slot: number }): LivePath {
    const ears = { ...this.#port, onEnd: (path: LivePath, reason: CloseReason) => this.#ended(path, reason) }
    return new LivePath({ channel, facts, slot, runtime: this.#runtime, ears })
  }

  /** It was accepted on both sides. */
  add(path: LivePath, hello: Hello): void {
    this.#live.push(path)
    this.#tell({ kind: 'added', path, told: `${path.name} was added` })
    path.listen(hello)
    // Its HELLO may have acknowledged all that the others waited for, and who waits for nothing is never suspected.
    this.#watch.askAll(this.#runtime.clock.monotonic())
    this.#review()
  }

  /** DATA went out while none was outstanding on this path: from now on its silence counts. */
  dataSent(path: LivePath): void {
    this.#watch.dataSent(path)
  }

  /** The application's own bytes travel. */
  used(nowMs: number): void {
    this.#watch.used(nowMs)
  }

  setInUse(inUse: boolean): void {
    this.#watch.setInUse(inUse)
  }

  ponged(path: LivePath, id: number, nowMs: number): void {
    const wasSuspected = path.isSuspected
    if (!path.state.ponged(id, nowMs)) return
    if (wasSuspected) {
      this.#tell({ kind: 'recovered', path, told: `${path.name} answers again` })
      this.#review()
    }
    if (this.#sending && !this.#sending.isSuspected) this.#choose(choosePath(this.#choice, this.#candidates(nowMs), nowMs))
    this.#flush()
  }

  /** Either side has asked that nothing more goes by it. */
  drain(path: LivePath, by: 'us' | 'peer'): void {
    path.isDraining = true
    const who = by === 'us' ? 'this side' : 'the peer'
    this.#tell({ kind: 'drained', path, told: `${who} asked to send nothing more by ${path.name}` })
    this.#review()
  }

  /** Ends every path, says nothing, and keeps no timer. */
  stop(end: (path: LivePath) => void): void {
    this.#hasStopped = true
    this.#watch.stop()
    this.transmit = undefined
    this.trusted = 0
    this.#sending = undefined
    const paths = this.#live
    this.#live = []
    for (const path of paths) end(path)
  }

  /** After any change: who sends, what is trusted, when to look again; then the events. */
  #review(): void {
    if (this.#hasStopped) return
    const nowMs = this.#runtime.clock.monotonic()
    this.#leave(nowMs)
    this.#route()
    this.#watch.probe(nowMs)
    this.#flush()
  }

  /** Leaves a sending path that is gone, has failed or drains, when there is a better one. */
  #leave(nowMs: number): void {
    const sending = this.#sending
    const others = this.#candidates(nowMs).filter(({ id }) => id !== sending?.slot && !this.#bySlot(id)?.isSuspected)
    if (!sending) {
      this.#choose(chooseInNeed(this.#choice, others.length > 0 ? others : this.#candidates(nowMs)))
    } else if (others.length > 0 && sending.state.judge(nowMs) === 'failed') {
      sending.state.failed(nowMs)
      this.#choose(chooseInNeed(this.#choice, others))
    } else if (sending.isDraining && others.some(({ id }) => !this.#bySlot(id)?.isDraining)) {
      this.#choose(chooseInNeed(this.#choice, others))
    }
  }

  #choose(choice: Choice): void {
    this.#choice = choice
    const path = choice.id === undefined ? undefined : this.#bySlot(choice.id)
    const previous = this.#sending
    if (path === previous) return
    this.#sending = path
    if (path) this.#tell({ kind: 'sending', path, ...(previous ? { previous } : {}), told: whySending(path, previous) })
    this.#route()
  }

  #route(): void {
    const transmit = this.#transmitNow()
    const trusted = this.#live.reduce((bits, path) => (path.isSuspected ? bits : bits | path.bit), 0)
    if (transmit === this.transmit && trusted === this.trusted) return
    this.transmit = transmit
    this.trusted = trusted
    this.#port.onRoute()
  }

  #transmitNow(): LivePath | undefined {
    const sending = this.#sending
    if (!sending?.isSuspected) return sending
    const others = this.#candidates(this.#runtime.clock.monotonic()).filter(({ id }) => !this.#bySlot(id)?.isSuspected)
    const { id } = chooseInNeed(NO_CHOICE, others)
    return id === undefined ? sending : this.#bySlot(id)
  }

  #candidates(nowMs: number): Candidate[] {
    return this.#live.map(({ slot, facts, state, isDraining }) => {
      const { samples, medianMs } = state.roundTrips.recent(nowMs)
      const isUsable = !state.isSuspected && !isDraining && nowMs >= state.trustedFromMs
      return { id: slot, isDirect: facts.isDirect, rttMs: medianMs ?? state.roundTrips.smoothedMs, samples, isUsable }
    })
  }

  #bySlot(slot: number): LivePath | undefined {
    return this.#live.find((path) => path.slot === slot)
  }

  // Ends and events

  #ended(path: LivePath, { by, code, error }: CloseReason): void {
    this.release(path.slot)
    if (this.#hasStopped) return
    this.#live = this.#live.filter((one) => one !== path)
    if (this.#sending === path) this.#sending = undefined
    const who = by === 'us' ? 'this side' : 'the peer'
    const told = error ? `${path.name} was lost: ${error.message}` : `${path.name} was closed by ${who} with code ${code}`
    this.#tell({ kind: 'lost', path, ...(error ? { error } : {}), told })
    this.#port.onLost(path)
    this.#review()
  }

  #tell(event: SessionPathEvent): void {
    this.#events.push(event)
  }

  #flush(): void {
    for (let event = this.#events.shift(); event; event = this.#events.shift()) this.#port.onEvent(event)
  }
}

function whySending(path: LivePath, previous: LivePath | undefined): string {
  const rtt = ({ rttMs }: LivePath) => (rttMs === undefined ? 'not measured yet' : `${Math.round(rttMs)} ms`)
  if (!previous) return `sending by ${path.name} (${rtt(path)})`
  return `sending by ${path.name} (${rtt(path)}) instead of ${previous.name} (${rtt(previous)})`
}

function silent(path: LivePath): SwarmError {
  const message = `${path.name} was silent for ${DEAD_QUIET_MS / 1000} s although it was asked, so it was given up.`
  return sessionError('ERR_PATH_SILENT', message)
}
