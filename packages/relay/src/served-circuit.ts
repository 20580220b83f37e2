import type { Clock, PeerId, Timer } from '@resilient-swarm/contract'
import { Forwarder } from './forwarder.ts'
import type { Leg } from './leg.ts'
import { CLOSE_TIMEOUT_MS, DRAIN_AT_PART, TARGET_TIMEOUT_MS } from './limits.ts'
import type { ControlFrame } from './messages.ts'
import type { CircuitLimits } from './options.ts'
import { CIRCUIT_END_CODES, REFUSAL_CODES, type Refusal } from './refusal-codes.ts'
import { TokenRate } from './token-rate.ts'

export interface ServedCircuitOptions {
  readonly dialler: Leg
  readonly target: Leg
  readonly limits: CircuitLimits
  readonly clock: Clock
  readonly onForwarded: (byteCount: number) => void
  /** May it have its whole time again? */
  readonly mayRenew: () => boolean
  readonly onOpened: () => void
  readonly onRefused: () => void
  /** It holds no place any more. */
  readonly onGone: () => void
}

/** What a target may say about itself; everything else it says is told as a plain no. */
const TARGET_REFUSALS: ReadonlyMap<number, Refusal> = new Map([
  [REFUSAL_CODES.targetBusy, 'targetBusy'],
  [REFUSAL_CODES.notDirect, 'notDirect'],
])

/** A circuit at its relay: two legs, two directions, and the time that it has. Begins by asking the target. */
export class ServedCircuit {
  readonly dialler: PeerId
  readonly target: PeerId
  readonly #options: ServedCircuitOptions
  readonly #toTarget: Forwarder
  readonly #toDialler: Forwarder
  #state: 'asking' | 'open' | 'ending' | 'gone' = 'asking'
  #timer: Timer | undefined
  #drainTimer: Timer | undefined
  #endsAtMs = 0
  /** Its end was announced, and nothing has changed about it since. */
  #isAnnounced = false

  constructor(options: ServedCircuitOptions) {
    this.#options = options
    const { dialler, target } = options
    this.dialler = dialler.peer
    this.target = target.peer
    this.#toTarget = this.#createForwarder({ from: dialler, to: target })
    this.#toDialler = this.#createForwarder({ from: target, to: dialler })
  }

  get heldBytes(): number {
    return this.#toTarget.heldBytes + this.#toDialler.heldBytes
  }

  /** `rest` is what the dialler sent behind its CONNECT: nothing, or it does not know the protocol. */
  ask(incoming: ControlFrame, rest: Uint8Array): void {
    const { dialler, target, clock } = this.#options
    dialler.onClosed = () => this.#legClosed(dialler)
    target.onClosed = () => this.#legClosed(target)
    dialler.raw.onBytes = (bytes) => {
      dialler.raw.consume(bytes.byteLength)
      this.#refuse('malformed')
    }
    dialler.raw.onEnd = () => this.#refuse('malformed')
    this.#timer = clock.setTimer(TARGET_TIMEOUT_MS, () => this.#refuse('timeout'))
    if (rest.byteLength > 0) dialler.raw.onBytes(rest)
    else this.#askTarget(incoming)
  }

  /** Announces that we leave: the circuit goes on for so long at most. */
  drain(graceMs: number): void {
    if (this.#state === 'asking') this.#refuse('leaving')
    if (this.#state !== 'open') return
    const leftMs = Math.min(graceMs, this.#endsAtMs - this.#options.clock.monotonic())
    this.#announce(leftMs)
    this.#endIn(leftMs, CIRCUIT_END_CODES.leaving)
  }

  /** Ends now, saying why to whichever leg still stands; `lost` is the peer that is no leg any more. */
  end(code: number, lost?: PeerId): void {
    if (this.#state === 'asking') this.#refuse(lost === this.target ? 'unknownTarget' : 'leaving')
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#stopTimers()
    const { dialler, target } = this.#options
    const isTold = [
      { leg: dialler, other: target, into: this.#toDialler },
      { leg: target, other: dialler, into: this.#toTarget },
    ].map(({ leg, other, into }) => leg.peer !== lost && (into.finish({ type: 'end', code }) || other.peer !== lost))
    // After both were tried: the rest of a message may have to come before its END, from the leg that has heard it already.
    if (isTold[0]) dialler.linger(CLOSE_TIMEOUT_MS)
    else this.#cut(dialler, this.#toDialler)
    if (isTold[1]) target.linger(CLOSE_TIMEOUT_MS)
    else this.#cut(target, this.#toTarget)
    this.#gone()
  }

  #askTarget(incoming: ControlFrame): void {
    const { target } = this.#options
    target.raw.onEnd = () => this.#refuse('targetRefused')
    target.send(incoming)
    target.readFirst((frame, behind) => {
      if (this.#state !== 'asking') return
      if (frame?.type === 'accept' && !frame.limits) this.#open(behind)
      else this.#refuse((frame?.type === 'refuse' && TARGET_REFUSALS.get(frame.code)) || 'targetRefused')
    })
  }

  #open(behind: Uint8Array): void {
    const { dialler, limits, onOpened } = this.#options
    this.#state = 'open'
    this.#timer?.cancel()
    dialler.send({ type: 'accept', limits })
    this.#renew()
    onOpened()
    this.#toTarget.start(EMPTY)
    this.#toDialler.start(behind)
  }

  #refuse(refusal: Refusal): void {
    if (this.#state !== 'asking') return
    const { dialler, target, onRefused } = this.#options
    this.#state = 'ending'
    this.#stopTimers()
    dialler.finish({ type: 'refuse', code: REFUSAL_CODES[refusal] })
    target.reset()
    onRefused()
    this.#gone()
  }

  #createForwarder({ from, to }: { from: Leg; to: Leg }): Forwarder {
    const { clock, limits, onForwarded } = this.#options
    return new Forwarder({
      from: from.raw,
      to: to.raw,
      clock,
      rate: new TokenRate({ ...limits, clock }),
      onForwarded,
      onRenew: () => this.#renewAsked(),
      onMalformed: () => this.end(CIRCUIT_END_CODES.legMalformed, from.peer),
      onLost: () => this.end(CIRCUIT_END_CODES.legLost, from.peer),
    })
  }

  /** Only in the second half of its time, and with a no only once, so that nobody makes us answer more often than that. */
  #renewAsked(): void {
    const { clock, limits, mayRenew } = this.#options
    const leftMs = this.#endsAtMs - clock.monotonic()
    if (this.#state !== 'open' || leftMs > limits.durationMs / 2) return
    if (!mayRenew()) {
      if (!this.#isAnnounced) this.#announce(leftMs)
      return
    }
    this.#renew()
    this.#toDialler.insert({ type: 'renewed', durationMs: limits.durationMs })
    this.#toTarget.insert({ type: 'renewed', durationMs: limits.durationMs })
  }

  #renew(): void {
    const { clock, limits } = this.#options
    this.#isAnnounced = false
    this.#endIn(limits.durationMs, CIRCUIT_END_CODES.timeUp)
    const leftMs = limits.durationMs * (1 - DRAIN_AT_PART)
    this.#drainTimer = clock.setTimer(limits.durationMs - leftMs, () => this.#announce(leftMs))
  }

  #endIn(leftMs: number, code: number): void {
    this.#stopTimers()
    this.#endsAtMs = this.#options.clock.monotonic() + leftMs
    this.#timer = this.#options.clock.setTimer(leftMs, () => this.end(code))
  }

  #announce(leftMs: number): void {
    this.#drainTimer?.cancel()
    this.#isAnnounced = true
    this.#toDialler.insert({ type: 'drain', leftMs })
    this.#toTarget.insert({ type: 'drain', leftMs })
  }

  #legClosed(leg: Leg): void {
    const { dialler, target } = this.#options
    if (this.#state === 'asking') {
      if (leg === target) this.#refuse('targetRefused')
      else this.#abandon()
    } else if (this.#state === 'open') {
      const other = leg === dialler ? target : dialler
      const isFinished = leg.hasFinished
      if (!isFinished) this.end(CIRCUIT_END_CODES.legLost, leg.peer)
      else if (other.isClosed) this.#gone()
    }
  }

  /** Who dialled went away before the answer. */
  #abandon(): void {
    this.#state = 'ending'
    this.#stopTimers()
    this.#options.target.reset()
    this.#options.onRefused()
    this.#gone()
  }

  /** It is lost itself, or inside a message whose rest will never come. */
  #cut(leg: Leg, into: Forwarder): void {
    into.stop()
    leg.reset()
  }

  #stopTimers(): void {
    this.#timer?.cancel()
    this.#drainTimer?.cancel()
  }

  #gone(): void {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    this.#stopTimers()
    this.#options.onGone()
  }
}

const EMPTY = new Uint8Array(0)
