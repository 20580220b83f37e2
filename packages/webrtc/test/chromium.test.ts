import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Channel, createRuntime, type Path, SwarmError } from '@resilient-swarm/contract'
import { webrtc } from '../src/index.ts'
import { type Chromium, type ChromiumPage, launchChromium, skipReason } from './chromium-page.ts'
import { ALICE, answerer, BOB, SignalEnd } from './path-pair.ts'

const runtime = createRuntime()
const never = new AbortController().signal
const reason = skipReason()
const describeInChromium = reason === undefined ? describe : describe.skip
const MIB = 1024 * 1024

describeInChromium('in Chromium', () => {
  let chromium: Chromium
  const opened: ChromiumPage[] = []
  beforeAll(async () => {
    chromium = await launchChromium()
  }, 60_000)
  afterAll(() => chromium?.close())
  afterEach(async () => {
    for (const { page } of opened.splice(0)) await page.context().close()
  })
  const open = async () => {
    const page = await chromium.open()
    opened.push(page)
    return page
  }

  it('a path between two ends in one page is a Channel', async () => {
    const { page } = await open()
    const results = await page.evaluate(() => window.page.runConformance())
    expect(results.filter(({ error }) => error !== undefined)).toEqual([])
    expect(results.length).toBeGreaterThanOrEqual(7)
  }, 120_000)

  it('two pages meet, exchange messages, and a close on one side is a finished channel on the other', async () => {
    const [alice, bob] = [await open(), await open()]
    const { bindings } = await meet(alice, bob)
    expect(bindings[0]).toEqual(bindings[1])
    await bob.page.evaluate(() => void window.page.count())
    await alice.page.evaluate((bytes) => window.page.send(bytes, 16_384), 2 * MIB)
    await alice.page.evaluate(() => window.page.close())
    expect(await alice.ended).toEqual({ by: 'us', code: 0 })
    expect(await bob.ended).toEqual({ by: 'peer', code: 0 })
    expect(await bob.page.evaluate(() => window.seen.bytes)).toBe(2 * MIB)
  }, 60_000)

  it('a page learns within a second that the other page aborted', async () => {
    const [alice, bob] = [await open(), await open()]
    await meet(alice, bob)
    const startedMs = performance.now()
    await alice.page.evaluate(() => window.page.abort())
    expect(await bob.ended).toMatchObject({ by: 'peer', error: 'ERR_WEBRTC_LOST' })
    expect(performance.now() - startedMs).toBeLessThan(1000)
  }, 60_000)

  for (const offerer of ['Node', 'Chromium'] as const) {
    describe(`and Node, ${offerer} offering`, () => {
      it('both ends have the same binding, and messages go both ways unchanged', async () => {
        const page = await open()
        const { path, binding } = await connectNode(page, offerer)
        expect(Array.from(path.binding)).toEqual(binding)
        await page.page.evaluate(() => window.page.echo())
        const messages = [1, 0, 1000, 16_384].map((size, index) => new Uint8Array(size).fill(index + 1))
        const echoed = collect(path.channel, messages.length)
        for (const message of messages) path.channel.send(message.slice())
        expect((await echoed).map((message) => [message.byteLength, message[0]])).toEqual(
          messages.map((message) => [message.byteLength, message[0]]),
        )
        path.channel.close()
        expect(await path.channel.closed).toEqual({ by: 'us', code: 0 })
        expect(await page.ended).toEqual({ by: 'peer', code: 0 })
      }, 60_000)

      it('8 MiB arrive whole in each direction before the sender closes', async () => {
        const page = await open()
        const { path } = await connectNode(page, offerer)
        await page.page.evaluate(() => void window.page.count())
        let bytes = 0
        path.channel.onMessage = (message) => {
          bytes += message.byteLength
        }
        await Promise.all([
          sendAll(path.channel, 8 * MIB),
          page.page.evaluate((total) => window.page.send(total, 16_384), 8 * MIB),
        ])
        await page.page.evaluate(() => window.page.close())
        expect(await path.channel.closed).toEqual({ by: 'peer', code: 0 })
        expect(await page.ended).toEqual({ by: 'us', code: 0 })
        expect(bytes).toBe(8 * MIB)
        expect(await page.page.evaluate(() => window.seen.bytes)).toBe(8 * MIB)
      }, 60_000)

      it('an abort on either side is an error on the other within a second', async () => {
        for (const who of ['Node', 'Chromium']) {
          const page = await open()
          const { path } = await connectNode(page, offerer)
          const startedMs = performance.now()
          if (who === 'Node') path.channel.abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
          else await page.page.evaluate(() => window.page.abort())
          const error = who === 'Node' ? (await page.ended).error : (await path.channel.closed).error?.code
          expect(error).toBe('ERR_WEBRTC_LOST')
          expect(performance.now() - startedMs).toBeLessThan(1000)
        }
      }, 60_000)

      it('connects are not a second late: at most one in ten', async () => {
        const page = await open()
        const times: number[] = []
        for (let index = 0; index < 10; index++) {
          const { path, connectMs } = await connectNode(page, offerer)
          times.push(connectMs)
          path.channel.close()
          await path.channel.closed
        }
        times.sort((one, other) => one - other)
        process.stdout.write(`${offerer} offering: connects in ${times.map((ms) => ms.toFixed(0)).join(', ')} ms\n`)
        expect(times[8]).toBeLessThan(900)
      }, 60_000)

      it('a tab that is closed without a word is noticed within ten seconds', async () => {
        const page = await open()
        const { path } = await connectNode(page, offerer)
        const startedMs = performance.now()
        await page.page.close({ runBeforeUnload: false })
        expect((await path.channel.closed).error?.code).toBe('ERR_WEBRTC_LOST')
        expect(performance.now() - startedMs).toBeLessThan(10_000)
      }, 60_000)
    })
  }
})

async function meet(alice: ChromiumPage, bob: ChromiumPage): Promise<{ bindings: number[][] }> {
  alice.tellPeer = (signal) => void bob.hear(signal)
  bob.tellPeer = (signal) => void alice.hear(signal)
  const answered = bob.page.evaluate(() => window.page.connect('responder'))
  const dialled = alice.page.evaluate(() => window.page.connect('initiator'))
  return { bindings: (await Promise.all([dialled, answered])).map(({ binding }) => binding) }
}

async function connectNode(
  page: ChromiumPage,
  offerer: 'Node' | 'Chromium',
): Promise<{ path: Path; binding: number[]; connectMs: number }> {
  const line = new SignalEnd()
  line.deliver = (signal) => void page.hear(signal)
  page.tellPeer = (signal) => line.take(signal)
  const transport = webrtc()
  const role = offerer === 'Node' ? 'responder' : 'initiator'
  const inPage = page.page.evaluate((each) => window.page.connect(each), role as 'initiator' | 'responder')
  const inNode =
    offerer === 'Node'
      ? transport.dial(BOB, { runtime, signals: line, signal: never })
      : answerer(transport, runtime)({ from: ALICE, signals: line, signal: never })
  const [{ binding, connectMs }, path] = await Promise.all([inPage, inNode])
  return { path, binding, connectMs }
}

async function sendAll(channel: Channel, totalBytes: number): Promise<void> {
  for (let sent = 0; sent < totalBytes; sent += 16_384) {
    const drained = new Promise<void>((resolve) => {
      channel.onDrain = resolve
    })
    if (!channel.send(new Uint8Array(16_384))) await drained
  }
}

function collect(channel: Channel, count: number): Promise<Uint8Array[]> {
  return new Promise((resolve) => {
    const messages: Uint8Array[] = []
    channel.onMessage = (message) => {
      if (messages.push(message) === count) resolve(messages)
    }
  })
}
