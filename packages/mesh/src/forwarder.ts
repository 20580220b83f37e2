import { decodeBase64Url, type PeerId, type Runtime, SwarmError, type Timer } from '@resilient-swarm/contract'
import { isProof, nameCopy } from './acknowledge.ts'
import { type Custody, createCustodies } from './custody.ts'
import type { Hands } from './hand-over.ts'
import { FORWARD_HELD_MS, HOP_TRIES_MAX } from './limits.ts'
import type { LinkGraph } from './link-graph.ts'
import type { Neighbour, TravellingSignal } from './neighbour.ts'
import { createNeighbourBudgets } from './neighbour-budgets.ts'
import { type HopVerdict, judgeHop } from './next-hop.ts'
import { parseSignal } from './parse-signal.ts'
import type { SealedBox } from './sealed-box.ts'

export interface ForwarderOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  readonly graph: LinkGraph
  readonly neighbours: () => readonly Neighbour[]
  readonly hands: Hands
  /** A box for us: returns the proof that it was opened, also when it had come before; undefined for one that does not open. */
  readonly receive: (box: SealedBox) => string | undefined
}

/** Takes what neighbours hand us: keeps what is ours, hands the rest on, and brings back what became of it. */
export interface Forwarder {
  /** What `signal` answers to this neighbour: the proof of what was ours, null for what we hand on; throws what we refuse. */
  take(from: PeerId, args: readonly unknown[]): string | null
  /** What a neighbour tells by `signalled`; anything that we did not hand to it is ignored. */
  hear(from: PeerId, copy: unknown, proof: unknown): void
}

type HandOn = HopVerdict & { readonly kind: 'hand on' }

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { self, runtime, graph, neighbours, hands, receive } = options
  const custodies = createCustodies(runtime.clock)
  const budgets = createNeighbourBudgets(runtime.clock)
  /** Copies for which something may still be tried, and how to let them go. */
  const held = new Map<Custody, { readonly timer: Timer; release(): void }>()

  function judge({ from, tried }: Pick<Custody, 'from' | 'tried'>, signal: TravellingSignal): HopVerdict {
    return judgeHop({ self, from, signal, tried, neighbours: neighbours(), isSilent: hands.isSilent, graph })
  }

  function take(from: PeerId, args: readonly unknown[]): string | null {
    if (!budgets.takeIn(from)) throw refusal('ERR_SIGNAL_RATE')
    const signal = parseSignal(args)
    if (signal.to === self) return keep(signal)
    const copy = nameCopy(signal)
    const known = custodies.get(copy)
    if (known?.proof) return known.proof
    if (known) throw refusal('ERR_SIGNAL_SEEN')
    const custody: Custody = {
      copy,
      from,
      sinceMs: runtime.clock.monotonic(),
      signal,
      ttl: signal.ttl,
      tried: new Set(),
      owing: new Set(),
      isTrying: false,
      proof: undefined,
    }
    const verdict = judge(custody, signal)
    if (isInVain(verdict)) budgets.fine(from)
    if (verdict.kind !== 'hand on') throw refusal(verdict.kind === 'refuse' ? verdict.code : 'ERR_SIGNAL_NO_ROUTE')
    hold(custody)
    custodies.add(custody)
    void handOn(custody, verdict)
    return null
  }

  function keep({ to, id, box }: TravellingSignal): string {
    const bytes = decodeBase64Url(box)
    const proof = bytes && receive({ to, id, box: bytes })
    if (!proof) throw refusal('ERR_SIGNAL_UNOPENED')
    return proof
  }

  function hold(custody: Custody): void {
    const release = budgets.hold(custody.from)
    if (!release) throw refusal('ERR_SIGNAL_RATE')
    held.set(custody, { release, timer: runtime.clock.setTimer(FORWARD_HELD_MS, () => letGo(custody)) })
  }

  /** Nothing more is tried; what those who have it tell still goes back. */
  function letGo(custody: Custody): void {
    custody.signal = undefined
    const kept = held.get(custody)
    held.delete(custody)
    kept?.timer.cancel()
    kept?.release()
  }

  async function handOn(custody: Custody, first: HandOn): Promise<void> {
    custody.isTrying = true
    const outcome = await tryInTurn(custody, first)
    custody.isTrying = false
    if (outcome === 'in vain' && custody.signal) giveUp(custody)
  }

  /** Until one neighbour has it or nothing is left to try. */
  async function tryInTurn(custody: Custody, first: HandOn): Promise<'handed on' | 'in vain'> {
    for (let step: HandOn | undefined = first; step && custody.signal; step = nextStep(custody)) {
      const { next, route } = step
      custody.tried.add(next.id)
      if (!budgets.takeOut(next.id)) continue
      custody.owing.add(next.id)
      const outcome = await hands.handOver(next, { ...custody.signal, route, ttl: custody.ttl - 1 })
      if (outcome.kind === 'refused') custody.owing.delete(next.id)
      // A copy may live on there: what goes another way gets half, so that one copy never becomes many.
      else custody.ttl = halve(custody.ttl)
      if (outcome.kind === 'delivered') tell(custody, next.id, outcome.proof)
      if (outcome.kind === 'delivered' || outcome.kind === 'taken') return 'handed on'
    }
    return 'in vain'
  }

  function nextStep(custody: Custody): HandOn | undefined {
    const { signal, tried, ttl } = custody
    if (!signal || tried.size >= HOP_TRIES_MAX) return undefined
    const verdict = judge(custody, { ...signal, ttl })
    if (isInVain(verdict)) budgets.fine(custody.from)
    return verdict.kind === 'hand on' ? verdict : undefined
  }

  function giveUp(custody: Custody): void {
    letGo(custody)
    tellBack(custody, null)
  }

  function tell(custody: Custody, from: PeerId, proof: string): void {
    custody.owing.delete(from)
    custody.proof ??= proof
    letGo(custody)
    tellBack(custody, proof)
  }

  function tellBack({ from, copy }: Custody, proof: string | null): void {
    const previous = neighbours().find(({ id }) => id === from)
    previous?.signalled(copy, proof).catch((error: unknown) => {
      runtime.log.debug('what became of a signal could not be told', { error: String(error) })
    })
  }

  return {
    take,
    hear(from, copy, proof) {
      const custody = typeof copy === 'string' ? custodies.get(copy) : undefined
      if (!custody?.owing.has(from)) return
      if (isProof(proof)) return tell(custody, from, proof)
      custody.owing.delete(from)
      // It has tried its own ways: another search from here would go over the same nodes again. Its source knows other routes.
      if (!custody.isTrying && custody.signal) giveUp(custody)
    },
  }
}

function isInVain(verdict: HopVerdict): boolean {
  return verdict.kind === 'refuse' && verdict.code === 'ERR_SIGNAL_NO_ROUTE'
}

/** What is left for another try when a copy may still be under way. */
function halve(ttl: number): number {
  return Math.ceil(ttl / 2)
}

type RefusalCode = 'ERR_SIGNAL_RATE' | 'ERR_SIGNAL_SEEN' | 'ERR_SIGNAL_TTL' | 'ERR_SIGNAL_NO_ROUTE' | 'ERR_SIGNAL_UNOPENED'

const SENTENCES: Readonly<Record<RefusalCode, string>> = {
  ERR_SIGNAL_RATE: 'Too many signals in a second, or too many under way.',
  ERR_SIGNAL_SEEN: 'This copy came this way before.',
  ERR_SIGNAL_TTL: 'The signal went through as many hands as it may.',
  ERR_SIGNAL_NO_ROUTE: 'Neither connected to that peer, nor to anybody who seems to lead there.',
  ERR_SIGNAL_UNOPENED: 'The box does not open.',
}

function refusal(code: RefusalCode): SwarmError<RefusalCode> {
  return new SwarmError(SENTENCES[code], { code, retryable: code !== 'ERR_SIGNAL_UNOPENED' })
}
