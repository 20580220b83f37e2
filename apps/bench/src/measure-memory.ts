import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { RTCPeerConnection } from 'node-datachannel/polyfill'
import { Swarm } from 'resilient-swarm'
import { createRawEnd, type PeerConnectionMaker, type RawEnd, type RawSignal } from './raw-channel.ts'
import { median, round } from './statistics.ts'

const file = fileURLToPath(import.meta.url)
const SETTLE_MS = 3_000 // replication and the first pings are over by then
const BATCHES = 5
const WARM_UP_PEERS = 24 // the first ones also pay for compiled code, thread pools and allocators, once for all that follow

type Ask =
  | { readonly kind: 'swarms'; readonly signals: string[]; readonly count: number }
  | { readonly kind: 'answer'; readonly offer: RawSignal }

/** What one connected peer costs in resident memory, beyond what the bare connection costs: a process of each, same count. */
export async function measureMemory({
  signalUrl,
  peers,
  tell,
}: {
  signalUrl: string
  peers: number
  tell: (line: string) => void
}) {
  const bare = await grow('bare', signalUrl, peers)
  const swarm = await grow('swarm', signalUrl, peers)
  tell(`memory of ${peers} peers: bare ${bare.toFixed(0)} KiB each, swarm ${swarm.toFixed(0)} KiB each`)
  return { rssPerBareKiB: Math.round(bare), rssPerPeerKiB: Math.round(swarm - bare) }
}

async function grow(kind: 'bare' | 'swarm', signalUrl: string, peers: number): Promise<number> {
  const others = fork(file, ['--others'])
  const measured = fork(file, [`--measure-${kind}`, signalUrl, String(peers)], { execArgv: ['--expose-gc'] })
  try {
    return await new Promise<number>((resolve, reject) => {
      others.on('message', (answer) => measured.send(answer as object))
      measured.on('message', (message: { perPeerKiB?: number }) => {
        if (message.perPeerKiB === undefined) others.send(message)
        else resolve(message.perPeerKiB)
      })
      for (const child of [others, measured]) child.once('exit', () => reject(new Error('a measuring process ended early')))
    })
  } finally {
    others.kill()
    measured.kill()
  }
}

function collectedRssKiB(): number {
  for (let pass = 0; pass < 4; pass++) (globalThis as { gc?: () => void }).gc?.()
  return process.memoryUsage().rss / 1024
}

/** Allocators take memory in steps, now for many peers and now for none: the median of several batches. */
async function growthPerPeerKiB(peers: number, connectBatch: () => Promise<void>): Promise<number> {
  const growths: number[] = []
  await settled()
  for (let batch = 0; batch < BATCHES; batch++) {
    const beforeKiB = collectedRssKiB()
    await connectBatch()
    await settled()
    growths.push((collectedRssKiB() - beforeKiB) / peers)
  }
  return median(growths)
}

const settled = () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
const ask = (question: Ask) =>
  new Promise<unknown>((resolve) => {
    process.once('message', resolve)
    process.send?.(question)
  })

async function measureBare(peers: number): Promise<number> {
  const connect = async (): Promise<RawEnd> => {
    const end = createRawEnd(RTCPeerConnection as unknown as PeerConnectionMaker)
    await end.accept((await ask({ kind: 'answer', offer: await end.offer() })) as RawSignal)
    await end.opened
    return end
  }
  const ends: RawEnd[] = []
  for (let made = 0; made < WARM_UP_PEERS; made++) ends.push(await connect())
  return growthPerPeerKiB(peers, async () => {
    for (let made = 0; made < peers; made++) ends.push(await connect())
  })
}

async function measureSwarm(signalUrl: string, peers: number): Promise<number> {
  const swarm = new Swarm({ signals: [signalUrl], peersMax: BATCHES * peers + WARM_UP_PEERS + 1 })
  await swarm.ready
  const callAll = async (count: number) => {
    for (const key of (await ask({ kind: 'swarms', signals: [signalUrl], count })) as string[]) await swarm.call(key)
  }
  await callAll(WARM_UP_PEERS)
  return growthPerPeerKiB(peers, () => callAll(peers))
}

/** The other ends; each admits only whoever measures, so that they form no mesh among themselves. */
function serveOthers(): void {
  let measuring: string | undefined
  const kept: unknown[] = []
  process.on('message', async (question: Ask) => {
    if (question.kind === 'answer') {
      const end = createRawEnd(RTCPeerConnection as unknown as PeerConnectionMaker)
      kept.push(end)
      process.send?.(await end.answer(question.offer))
      return
    }
    const swarms = Array.from(
      { length: question.count },
      () => new Swarm({ signals: question.signals, peersMax: 1, admit: first }),
    )
    kept.push(swarms)
    await Promise.all(swarms.map((swarm) => swarm.ready))
    process.send?.(swarms.map((swarm) => swarm.publicKey))
  })
  function first(id: string): boolean {
    measuring ??= id
    return measuring === id
  }
}

const [, , mode, signalUrl = '', peers = '0'] = process.argv
if (mode === '--others') serveOthers()
if (mode === '--measure-bare') process.send?.({ perPeerKiB: round(await measureBare(Number(peers))) })
if (mode === '--measure-swarm') process.send?.({ perPeerKiB: round(await measureSwarm(signalUrl, Number(peers))) })
