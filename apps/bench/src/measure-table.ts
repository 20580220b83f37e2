import { type AttemptSignal, type Channel, createRuntime, type Path, type SignalLine } from '@resilient-swarm/contract'
import { createKeyPair, type KeyPair } from '@resilient-swarm/identity'
import { createPeerTable, type PeerTable, type PouchConstructor, type PouchDatabase } from '@resilient-swarm/peer-table'
import { sealRecord, toDocument } from '@resilient-swarm/peer-table/simulation'
import { webrtc } from '@resilient-swarm/webrtc'
import { median, quantile, round } from './statistics.ts'

export interface TablePlan {
  readonly rounds: number
  readonly records: number
  readonly changes: number
}

/** One peer may introduce 256 others, so a thousand come from four that know them all. */
const SOURCES = 4
const NETWORK = 'bench'
const LIFETIME_MS = 15 * 60_000
const runtime = createRuntime()

/**
 * A thousand records into a fresh node over real data channels, beside PouchDB copying the very same documents, revisions included,
 * to another database with the same adapter and options. Tables and channels are open before the time begins; it ends when the
 * database of either side says that it holds all. Sources and reader share one thread, so both ends' work is in the figure.
 */
export async function measureTable({ plan, tell }: { plan: TablePlan; tell: (line: string) => void }) {
  const documents = Array.from({ length: plan.records }, () => documentBy(createKeyPair(), 'x'.repeat(100)))
  const sources = await Promise.all(Array.from({ length: SOURCES }, openTable))
  for (const source of sources) await source.admit(documents.map(({ document }) => document))
  const ratios: number[] = []
  const rates: number[] = []
  for (let turn = 0; turn < plan.rounds + 1; turn++) {
    const localMs = await copyLocally(sources[0] as PeerTable, plan.records + 1, turn)
    const remoteMs = await fillFresh(sources, plan.records)
    tell(
      `table ${turn === 0 ? 'warm-up' : turn}: PouchDB to PouchDB ${localMs.toFixed(0)} ms, to a node ${remoteMs.toFixed(0)} ms`,
    )
    if (turn === 0) continue
    ratios.push(localMs / remoteMs)
    rates.push((plan.records / remoteMs) * 1000)
  }
  for (const source of sources) source.destroy()
  return {
    recordsPerSecond: Math.round(median(rates)),
    recordsPerSecondOverLocal: round(median(ratios)),
    ...(await measureChanges(plan.changes)),
  }
}

/** One change after another, from its arrival in one table to the event of the other; and all bytes of it, both ways. */
async function measureChanges(changes: number) {
  const [alice, bob] = await Promise.all([openTable(), openTable()])
  const counted = await connect(alice, bob)
  await whenKnown(bob, 2)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const took: number[] = []
  let recordBytes = 0
  counted.bytes = 0
  for (let change = 0; change < changes; change++) {
    const { document, envelope } = documentBy(createKeyPair(), change)
    recordBytes += envelope.byteLength
    const startedMs = performance.now()
    const heard = new Promise<void>((resolve) => {
      bob.onRecord = () => resolve()
    })
    await Promise.all([alice.admit([document]), heard])
    took.push(performance.now() - startedMs)
    await new Promise((resolve) => setTimeout(resolve, 2)) // the word back is on its way
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  const bytesPerChange = (counted.bytes - recordBytes) / changes
  for (const table of [alice, bob]) table.destroy()
  return {
    liveChangeMs: { p50: round(quantile(took, 0.5)), p95: round(quantile(took, 0.95)) },
    bytesPerChange: round(bytesPerChange, 1),
    recordBytes: Math.round(recordBytes / changes),
  }
}

function documentBy(keyPair: KeyPair, info: string | number) {
  const createdMs = Date.now()
  const record = { id: keyPair.peerId, seq: 1, links: [], relay: false, info, createdMs, left: false }
  const envelope = sealRecord(keyPair, { ...record, expiresMs: createdMs + LIFETIME_MS }, NETWORK)
  return { document: toDocument({ record, publicKey: keyPair.publicKey, envelope }), envelope }
}

function openTable(): Promise<PeerTable> {
  return createPeerTable({ keyPair: createKeyPair(), network: NETWORK, runtime })
}

async function copyLocally(source: PeerTable, count: number, turn: number): Promise<number> {
  const PouchDB = source.db.constructor as unknown as PouchConstructor
  const target = new PouchDB(`bench ${turn}`, { adapter: 'memory', revs_limit: 8, auto_compaction: true })
  const startedMs = performance.now()
  await new Promise<void>((resolve, reject) => {
    const replication = PouchDB.replicate(source.db, target, { batch_size: 64 })
    ;(replication as unknown as { on(event: string, listener: (detail: unknown) => void): void }).on('complete', () => resolve())
    replication.on('error', reject)
  })
  const tookMs = performance.now() - startedMs
  await checkCount(target, count)
  await target.destroy()
  return tookMs
}

async function checkCount(db: PouchDatabase, count: number): Promise<void> {
  const { doc_count: stored } = await db.info()
  if (stored < count) throw new Error(`only ${stored} of ${count} documents are stored`)
}

async function fillFresh(sources: readonly PeerTable[], records: number): Promise<number> {
  const fresh = await openTable()
  const channels = await Promise.all(sources.map(() => openChannels()))
  const count = records + sources.length + 1
  const startedMs = performance.now()
  for (const [at, source] of sources.entries()) replicate(fresh, source, channels[at] as readonly [Channel, Channel])
  await whenKnown(fresh, count)
  for (;;) {
    const { doc_count: stored } = await fresh.db.info()
    if (stored >= count) break
    await new Promise((resolve) => setTimeout(resolve, 1)) // asked in a loop it would keep the writing from its turn
  }
  const tookMs = performance.now() - startedMs
  fresh.destroy()
  return tookMs
}

function whenKnown(table: PeerTable, count: number): Promise<void> {
  return new Promise((resolve) => {
    let missing = count - table.records.length
    table.onRecord = () => --missing <= 0 && resolve()
    if (missing <= 0) resolve()
  })
}

function replicate(one: PeerTable, other: PeerTable, [near, far]: readonly [Channel, Channel]): void {
  one.replicate({ channel: near, peer: other.own.id })
  other.replicate({ channel: far, peer: one.own.id })
}

async function connect(one: PeerTable, other: PeerTable): Promise<{ bytes: number }> {
  const counted = { bytes: 0 }
  const [near, far] = await openChannels()
  for (const channel of [near, far]) {
    const send = channel.send.bind(channel)
    channel.send = (message) => {
      counted.bytes += message.byteLength
      return send(message)
    }
  }
  replicate(one, other, [near, far])
  return counted
}

/** Both ends of a data channel of this process, through the transport that ships. */
async function openChannels(): Promise<readonly [Channel, Channel]> {
  const [here, there] = createLines()
  const [dialler, answerer] = [webrtc(), webrtc()]
  const { signal } = new AbortController()
  const answered = new Promise<Path>((resolve, reject) => {
    answerer.listen({
      runtime,
      accept() {},
      onAttempt: (answer) => void answer({ from: ANYBODY, signals: there, signal }).then(resolve, reject),
    })
  })
  const dialled = await dialler.dial(ANYBODY, { runtime, signals: here, signal })
  return [dialled.channel, (await answered).channel]
}

const ANYBODY = createKeyPair().peerId

function createLines(): readonly [SignalLine, SignalLine] {
  const lines = [createLine(), createLine()] as const
  lines[0].send = async (signal) => lines[1].take(signal)
  lines[1].send = async (signal) => lines[0].take(signal)
  return lines
}

/** What comes before anybody listens waits. */
function createLine(): SignalLine & { send: (signal: AttemptSignal) => Promise<void>; take(signal: AttemptSignal): void } {
  let listener: ((signal: AttemptSignal) => void) | undefined
  const early: AttemptSignal[] = []
  return {
    attempt: 'bench',
    send: async () => {},
    get onSignal() {
      return listener ?? (() => {})
    },
    set onSignal(next) {
      listener = next
      for (const signal of early.splice(0)) next(signal)
    },
    take(signal) {
      if (listener) listener(signal)
      else early.push(signal)
    },
  }
}
