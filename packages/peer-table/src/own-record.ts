import { compareBytes, type PeerId, type Runtime, type Scope } from '@resilient-swarm/contract'
import { isPeerId, type KeyPair, publicKeyOf } from '@resilient-swarm/identity'
import { expiryOf, fullAllowance, type PublishAllowance, publishDelayMs, refreshDelayMs, takePublish } from './expiry.ts'
import { FIRST_LINKS_GATHER_MS, LINK_RTT_MS_MAX, LINKS_MAX, PUBLISH_INTERVAL_MS, SEQ_MAX } from './limits.ts'
import { encodeInfo, type Json, type PeerLink, type PeerRecord } from './peer-record.ts'
import { type Content, type SwarmSize, type Urgency, urgencyOf } from './publish-policy.ts'
import { checkServers } from './record-servers.ts'

/** What a node says anew about itself; what is left out stays as it was. */
export interface RecordChange {
  readonly links?: readonly PeerLink[]
  readonly relay?: boolean
  readonly info?: Json
  readonly servers?: readonly string[]
}

export interface OwnRecordOptions {
  readonly keyPair: KeyPair
  readonly runtime: Runtime
  readonly scope: Scope
  readonly nowMs: () => number
  readonly swarmSize: () => SwarmSize
  /** The newest seq that our own database knew, or 0. */
  readonly seq: number
  /** Signs, admits and stores. */
  readonly put: (record: PeerRecord) => Promise<void>
}

/** Our own record: what it says, when it goes out, and its counter. */
export interface OwnRecord {
  readonly current: PeerRecord | undefined
  /** Resolves when the change is out, or when it is taken and waits for the damping. Rejects with the caller's mistakes. */
  change(change: RecordChange): Promise<void>
  /** There is one of ours with this seq already: continue above it. */
  continueAbove(seq: number): Promise<void>
  /** Says that we left; the last thing said. */
  leave(): Promise<void>
  /** Now, with what there is to say; and again before it expires. */
  publish(): Promise<void>
}

/** Keys of the links told last, with their bytes: most of the next ones are among them. */
interface CheckedKeys {
  readonly own: PeerId
  keys: ReadonlyMap<PeerId, Uint8Array>
}

const CHANGE_FIELDS = new Set(['links', 'relay', 'info', 'servers'])

export function createOwnRecord(options: OwnRecordOptions): OwnRecord {
  return new SignedOwnRecord(options)
}

class SignedOwnRecord implements OwnRecord {
  readonly #options: OwnRecordOptions
  readonly #checked: CheckedKeys
  #content: Content = { links: [], relay: false, left: false }
  #current: PeerRecord | undefined
  #seq: number
  #allowance: PublishAllowance
  #timer: { cancel(): void } | undefined
  /** When what changed goes out; undefined when nothing did, or nothing that cannot wait. */
  #changeDueMs: number | undefined

  constructor(options: OwnRecordOptions) {
    this.#options = options
    this.#checked = { own: options.keyPair.peerId, keys: new Map() }
    this.#seq = options.seq
    this.#allowance = fullAllowance(options.runtime.clock.monotonic())
  }

  get current(): PeerRecord | undefined {
    return this.#current
  }

  async change(change: RecordChange): Promise<void> {
    const next = { ...this.#content, ...checkChange(change, this.#checked) }
    if (isSame(next, this.#content)) return
    this.#content = next
    if (this.#isDueAtOnce(urgencyOf(this.#told(), next, this.#options.swarmSize()))) await this.publish()
  }

  async continueAbove(seq: number): Promise<void> {
    if (seq < this.#seq || this.#content.left) return
    this.#seq = seq
    if (this.#isDueAtOnce('now')) await this.#publishSafely()
  }

  async leave(): Promise<void> {
    if (this.#content.left) return
    this.#content = { ...this.#content, links: [], left: true }
    await this.publish()
  }

  async publish(): Promise<void> {
    const { keyPair, runtime } = this.#options
    this.#timer?.cancel()
    if (this.#seq >= SEQ_MAX) {
      runtime.log.warn('This key has used up its record numbers; make a new key to go on telling the swarm of changes.')
      return
    }
    this.#seq += 1
    this.#changeDueMs = undefined
    this.#allowance = takePublish(this.#allowance, runtime.clock.monotonic())
    const createdMs = Math.floor(this.#options.nowMs())
    const expiresMs = expiryOf(createdMs, {
      records: this.#options.swarmSize().known,
      previousMs: this.#current?.expiresMs ?? 0,
    })
    const record = { id: keyPair.peerId, seq: this.#seq, ...this.#content, createdMs, expiresMs }
    this.#current = record
    if (!record.left) this.#publishIn(refreshDelayMs(record, createdMs, runtime.random.fraction()))
    await this.#options.put(record)
  }

  /** False: it waits for the damping; what others can make us say is no exception. */
  #isDueAtOnce(urgency: Urgency): boolean {
    if (urgency === 'refresh') return false
    const nowMs = this.#options.runtime.clock.monotonic()
    const delayMs = Math.max(publishDelayMs(this.#allowance, nowMs), this.#patienceMs(urgency, nowMs))
    if (this.#changeDueMs !== undefined && this.#changeDueMs <= nowMs + delayMs) return false
    this.#changeDueMs = nowMs + delayMs
    if (delayMs > 0) this.#publishIn(delayMs)
    return delayMs === 0
  }

  #patienceMs(urgency: Urgency, nowMs: number): number {
    if (urgency === 'gathered') return FIRST_LINKS_GATHER_MS
    return urgency === 'damped' ? this.#allowance.lastMs + PUBLISH_INTERVAL_MS - nowMs : 0
  }

  #told(): Content {
    return this.#current ?? { links: [], relay: false, left: false }
  }

  /** A failed write, or a clock that no record can carry, must not end a process where nobody waits for the outcome. */
  async #publishSafely(): Promise<void> {
    try {
      await this.publish()
    } catch (error) {
      this.#options.runtime.log.warn('The own record was not published.', { error: String(error) })
    }
  }

  #publishIn(delayMs: number): void {
    this.#timer?.cancel()
    const { scope, runtime } = this.#options
    this.#timer = scope.timer(runtime.clock, delayMs, () => void this.#publishSafely())
  }
}

/** Checked, and in the one form that a record carries. The caller's mistakes are told here, by name. */
function checkChange(change: RecordChange, checked: CheckedKeys): Partial<Content> {
  for (const name of Object.keys(change)) if (!CHANGE_FIELDS.has(name)) throw new TypeError(`unknown record field: ${name}`)
  const { links, relay, info, servers } = change
  if (relay !== undefined && typeof relay !== 'boolean') throw new TypeError('relay must be true or false')
  if (info !== undefined) encodeInfo(info)
  return {
    ...(links === undefined ? {} : { links: checkLinks(links, checked) }),
    ...(relay === undefined ? {} : { relay }),
    ...(info === undefined ? {} : { info: structuredClone(info) }),
    ...(servers === undefined ? {} : { servers: checkServers(servers) }),
  }
}

function checkLinks(links: readonly PeerLink[], checked: CheckedKeys): readonly PeerLink[] {
  if (links.length > LINKS_MAX) throw new RangeError(`a record has at most ${LINKS_MAX} links`)
  const keys = new Map<PeerId, Uint8Array>()
  for (const { key, rttMs } of links) {
    const bytes = checked.keys.get(key) ?? (isPeerId(key) && key !== checked.own ? publicKeyOf(key) : undefined)
    if (!bytes || keys.has(key)) throw new TypeError('links must name other peers, each once')
    if (!(rttMs >= 0)) throw new RangeError('rttMs must be 0 or more')
    keys.set(key, bytes)
  }
  checked.keys = keys
  return links
    .map(({ key, rttMs }) => ({ key, rttMs: Math.min(LINK_RTT_MS_MAX, Math.round(rttMs * 10) / 10) }))
    .sort((one, other) => compareBytes(keys.get(one.key) as Uint8Array, keys.get(other.key) as Uint8Array))
}

function isSame(one: Content, other: Content): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
