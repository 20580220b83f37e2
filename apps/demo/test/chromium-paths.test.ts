import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect } from '@jest/globals'
import { createSignalServer, type SignalServer } from '@resilient-swarm/signal-server'
import type { Browser } from 'playwright-core'
import type { Peer, Substream, Swarm } from 'resilient-swarm'
import { shortKey } from '../src/key-words.ts'
import { hasChromium, inChromium, launchChromium } from './chromium.ts'
import { createJournal } from './journal.ts'
import { chatInJournal, joinNode, type NodePerson } from './node-person.ts'
import { type PageSite, servePageFromSource } from './page-site.ts'
import { openTab, type PageTab } from './page-tab.ts'

const setupTimeoutMs = 120_000
const testTimeoutMs = 60_000
const fileBytes = 4 * 1024 * 1024
const chunkBytes = 16_384
const briefFreezeMs = 3_000 // less than a path may be silent
const longFreezeMs = 8_000
/** An attempt that was begun without a network may last 10 s; nobody has to wait for its end. */
const backWithinMs = 5_000
const journal = createJournal()
let server: SignalServer
let site: PageSite
let browser: Browser
let ruth: PageTab // relays, because its address asks it to
let carol: PageTab // does not
let alice: NodePerson
let bob: NodePerson

beforeAll(async () => {
  if (!hasChromium) return
  ;[server, site, browser] = await Promise.all([createSignalServer({ port: 0 }), servePageFromSource(), launchChromium()])
  const url = `${site.url}?signals=${encodeURIComponent(server.url)}`
  ;[ruth, carol] = await Promise.all([
    openTab({ browser, url: `${url}&relay=1`, name: 'ruth', journal }),
    openTab({ browser, url, name: 'carol', journal }),
  ])
  const signals = [server.url]
  ;[alice, bob] = [joinNode({ name: 'alice', signals, journal }), joinNode({ name: 'bob', signals, journal })]
  chatInJournal({ name: 'bob', swarm: bob.swarm, journal })
  // Alice is behind a network that reaches nobody but ruth.
  for (const other of [bob, carol]) alice.transport.forbid(other.key)
  bob.transport.forbid(alice.key)
  await Promise.all([alice, bob].map(({ swarm }) => swarm.call(ruth.key)))
  await carol.call(ruth.key)
  await journal.until(() => journal.of({ event: 'peer' }).length >= 12, 'the full mesh of four')
}, setupTimeoutMs)

afterAll(async () => {
  await browser?.close()
  await Promise.all([alice?.swarm.close(), bob?.swarm.close()])
  await Promise.all([server?.close(), site?.close()])
}, testTimeoutMs)

/** A file in a pattern from one peer to another; its digest as it was sent and as it arrived. */
async function sendFile(peer: Peer, to: Swarm): Promise<{ sent: string; arrived: string; bytes: number }> {
  const incoming = new Promise<Substream>((resolve) => {
    const listen = (stream: Substream) => {
      if (stream.type !== 'file') return
      to.off('stream', listen)
      resolve(stream)
    }
    to.on('stream', listen)
  })
  const [sent, arrived] = [createHash('sha256'), createHash('sha256')]
  let bytes = 0
  const send = async () => {
    const writer = (await peer.openStream('file')).writable.getWriter()
    for (let index = 0; index < fileBytes / chunkBytes; index++) {
      const chunk = new Uint8Array(chunkBytes).fill(index)
      sent.update(chunk)
      await writer.write(chunk)
    }
    await writer.close()
  }
  const receive = async () => {
    for await (const chunk of (await incoming).readable) {
      arrived.update(chunk)
      bytes += chunk.byteLength
    }
  }
  await Promise.all([send(), receive()])
  return { sent: sent.digest('hex'), arrived: arrived.digest('hex'), bytes }
}

describe('a tab that was asked to relay', () => {
  inChromium('says so in its record, and a tab that was not asked does not', () => {
    expect([ruth, carol].map(({ key }) => alice.swarm.table.get(key)?.relay)).toEqual([true, false])
  })

  inChromium(
    'carries a file between two nodes that reach each other by it alone',
    async () => {
      const peer = bob.peer(alice.key)
      expect(peer.path).toMatchObject({ kind: 'circuit', via: ruth.key })
      const { sent, arrived, bytes } = await sendFile(peer, alice.swarm)
      expect({ arrived, bytes }).toEqual({ arrived: sent, bytes: fileBytes })
      expect(peer.path).toMatchObject({ kind: 'circuit', via: ruth.key })
    },
    testTimeoutMs,
  )

  inChromium('shows what it does for others', async () => {
    const { page } = ruth
    expect(await page.getByLabel('Relay for others').isChecked()).toBe(true)
    const status = await page.evaluate(() => window.swarm.relay)
    expect(status.serves).toBe(true)
    expect(status.circuits).toBeGreaterThanOrEqual(2) // alice to bob, alice to carol, and what others keep in reserve
    expect(status.bytesForwarded).toBeGreaterThan(fileBytes)
    await page
      .locator('#relay-told')
      .getByText(/^\d circuits now · [4-9]\.\d MiB forwarded$/)
      .waitFor()
    for (const { key } of [alice, bob, carol]) await page.locator(`#peers li[data-key="${key}"][data-reach="direct"]`).waitFor()
  })

  inChromium('is named by a tab that reaches somebody through it, and what was tried is told', async () => {
    const row = carol.page.locator(`#peers li[data-key="${alice.key}"]`)
    await carol.page.locator(`#peers li[data-key="${alice.key}"][data-reach="circuit"]`).waitFor()
    await row.getByText(`circuit through ${shortKey(ruth.key)}`, { exact: true }).waitFor()
    await row.getByText('Why?').click()
    await row.getByRole('listitem').getByText(shortKey(ruth.key)).first().waitFor()
  })
})

describe('a tab whose connections are lost', () => {
  inChromium(
    'goes on with the chat stream that it had, and what was said meanwhile arrives once',
    async () => {
      await carol.say('before')
      await journal.until(() => journal.of({ who: 'bob', event: 'line', detail: 'before' }).length === 1, 'the line before')
      const isHeard = (who: string) => journal.of({ who, event: 'stream', key: carol.key }).length > 0
      await journal.until(() => ['alice', 'bob'].every(isHeard), 'her stream at everybody, by a circuit too')
      const before = journal.entries.length
      const since = (who: string, event: string) =>
        journal.entries.slice(before).filter((entry) => entry.who === who && entry.event === event)
      await carol.goOffline()
      await journal.until(
        () => ['carol', 'bob'].every((who) => since(who, 'reconnecting').length > 0),
        'both sides to miss the other',
      )
      await carol.page
        .locator(`#peers li[data-key="${bob.key}"][data-reach="reconnecting"]`)
        .getByText('reconnecting …')
        .waitFor()
      await carol.say('meanwhile')
      expect(since('bob', 'line')).toEqual([])
      const onlineMs = performance.now()
      await carol.goOnline()
      await journal.until(() => since('bob', 'line').length > 0, 'the line that was said meanwhile')
      expect(performance.now() - onlineMs).toBeLessThan(backWithinMs)
      await carol.page.locator(`#peers li[data-key="${bob.key}"][data-reach="direct"]`).waitFor()
      await carol.say('afterwards')
      await journal.until(() => since('bob', 'line').some(({ detail }) => detail === 'afterwards'), 'the line afterwards')
      expect(since('bob', 'line').map(({ detail }) => detail)).toEqual(['meanwhile', 'afterwards'])
      const settled = (who: string) => since(who, 'reconnected').length === since(who, 'reconnecting').length
      await journal.until(() => ['carol', 'bob', 'alice', 'ruth'].every(settled), 'everybody who was missed to be found again')
      for (const who of ['carol', 'bob', 'alice', 'ruth'])
        for (const event of ['peer', 'peer-left', 'stream']) expect(since(who, event)).toEqual([])
    },
    testTimeoutMs,
  )
})

describe('a tab that the browser freezes', () => {
  /** Freezes carol; her notes about bob since then. */
  async function freeze(ms: number): Promise<string> {
    const notes = () => carol.page.evaluate((key) => window.swarm.why(key).map(({ text }) => text), bob.key)
    const before = await notes()
    const stoppedMs = await carol.freeze(ms)
    expect(stoppedMs).toBeGreaterThan(ms - 1_000) // else nothing was tried
    return (await notes()).slice(before.length).join('\n')
  }

  inChromium(
    'for a moment has lost nobody when it wakes up',
    async () => {
      const before = journal.entries.length
      expect(await freeze(briefFreezeMs)).not.toContain('silent')
      await carol.say('only blinked')
      await journal.until(() => journal.entries.slice(before).some(({ event }) => event === 'line'), 'the line after the blink')
      expect(journal.entries.slice(before)).toEqual([{ who: 'bob', event: 'line', key: carol.key, detail: 'only blinked' }])
    },
    testTimeoutMs,
  )

  inChromium(
    'for longer than the others wait is called again, and blames nobody itself',
    async () => {
      const before = journal.entries.length
      const since = (who: string, event: string) =>
        journal.entries.slice(before).filter((entry) => entry.who === who && entry.event === event)
      expect(await freeze(longFreezeMs)).not.toContain('silent')
      await carol.say('awake again')
      await journal.until(() => since('bob', 'line').length > 0, 'the line after the sleep')
      expect(since('bob', 'line').map(({ detail }) => detail)).toEqual(['awake again'])
      for (const who of ['carol', 'bob', 'alice', 'ruth'])
        for (const event of ['peer', 'peer-left', 'stream']) expect(since(who, event)).toEqual([])
    },
    testTimeoutMs,
  )
})

describe('the choice to relay', () => {
  inChromium(
    'is kept in the address: the same node comes back with it',
    async () => {
      const { page, key } = carol
      for (const serves of [true, false]) {
        await Promise.all([page.waitForEvent('load'), page.getByLabel('Relay for others').click()])
        expect(new URL(page.url()).searchParams.get('relay')).toBe(serves ? '1' : null)
        expect(await page.evaluate(() => [window.swarm.publicKey, window.swarm.relay.serves])).toEqual([key, serves])
        expect(await page.getByLabel('Relay for others').isChecked()).toBe(serves)
        expect(await page.locator('#relay-told').isVisible()).toBe(serves)
      }
    },
    testTimeoutMs,
  )

  inChromium('leaves nothing on the pages’ consoles', () => {
    expect([ruth, carol].flatMap(({ complaints }) => complaints)).toEqual([])
  })
})
