import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from '@jest/globals'
import { createSignalServer, type SignalServer } from '@resilient-swarm/signal-server'
import type { Browser, Page } from 'playwright-core'
import memoryAdapter from 'pouchdb-adapter-memory'
import Core from 'pouchdb-core'
import { Swarm } from 'resilient-swarm'
import { hasChromium, inChromium, launchChromium } from '../../demo/test/chromium.ts'
import { type PageSite, servePageFromSource } from '../../demo/test/page-site.ts'
import { createNote, isNote, type Note } from '../src/note.mjs'

const setupTimeoutMs = 120_000
const testTimeoutMs = 60_000

interface Tab {
  readonly page: Page
  readonly key: string
  readonly complaints: string[]
  write(author: string, text: string): Promise<void>
  /** Resolves when the page shows it. */
  sees(text: string): Promise<void>
}

let server: SignalServer
let site: PageSite
let browser: Browser
let dave: Swarm // the node in Node; the tabs are alice and bob
let notes: PouchDB.Database<Note>
let alice: Tab
let bob: Tab

async function openTab(call: string): Promise<Tab> {
  const page = await (await browser.newContext()).newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  await page.goto(`${site.url}?signals=${encodeURIComponent(server.url)}&call=${call}`)
  return {
    page,
    key: await page.evaluate(() => window.notes.membership.publicKey),
    complaints,
    async write(author, text) {
      await page.getByLabel('Your name').fill(author)
      await page.getByLabel('A note').fill(text)
      await page.getByRole('button', { name: 'Note it' }).click()
    },
    sees: (text) => page.getByRole('listitem').getByText(text, { exact: true }).waitFor(),
  }
}

/** Resolves when the Node node has it. */
function daveHas(text: string): Promise<void> {
  return new Promise((resolve) => {
    const feed = notes.changes({ since: 0, live: true, include_docs: true }).on('change', ({ doc }) => {
      if (doc?.text !== text) return
      feed.cancel()
      resolve()
    })
  })
}

beforeAll(async () => {
  if (!hasChromium) return
  const folder = join(import.meta.dirname, '..')
  ;[server, site, browser] = await Promise.all([createSignalServer({ port: 0 }), servePageFromSource(folder), launchChromium()])
  notes = new (Core.plugin(memoryAdapter as PouchDB.Plugin))<Note>(`notes-${process.pid}`, { adapter: 'memory' })
  dave = new Swarm({ signals: [server.url] })
  dave.replicate(notes, { name: 'notes', admit: isNote })
  alice = await openTab(dave.publicKey)
  bob = await openTab(alice.key)
}, setupTimeoutMs)

afterAll(async () => {
  await browser?.close()
  await dave?.close()
  await Promise.all([server?.close(), site?.close()])
}, testTimeoutMs)

describe('notes that two tabs in Chromium and one node in Node share', () => {
  inChromium(
    'are seen by all, whoever wrote them',
    async () => {
      await notes.put(createNote({ author: 'Dave', text: 'The key is under the mat.' }))
      await alice.write('Alice', 'We need milk, bread and a new kettle.')
      await bob.write('Bob', 'Kettle is ordered — it comes on Friday ✓')
      for (const tab of [alice, bob]) {
        await tab.sees('The key is under the mat.')
        await tab.sees('We need milk, bread and a new kettle.')
        await tab.sees('Kettle is ordered — it comes on Friday ✓')
      }
      await Promise.all([daveHas('We need milk, bread and a new kettle.'), daveHas('Kettle is ordered — it comes on Friday ✓')])
    },
    testTimeoutMs,
  )

  inChromium(
    'reach a tab that was away, and so do those that it wrote alone',
    async () => {
      await bob.page.getByLabel('Online').uncheck()
      await bob.page.getByText('Offline: what you write stays here until you are back').waitFor()
      await alice.write('Alice', 'Who feeds the cat on Saturday?')
      await bob.write('Bob', 'Written in a tunnel.')
      await daveHas('Who feeds the cat on Saturday?')
      await bob.sees('Written in a tunnel.')
      expect(await bob.page.getByText('Who feeds the cat on Saturday?').count()).toBe(0)
      expect(await alice.page.getByText('Written in a tunnel.').count()).toBe(0)
      await bob.page.getByLabel('Online').check()
      await bob.sees('Who feeds the cat on Saturday?')
      await alice.sees('Written in a tunnel.')
      await daveHas('Written in a tunnel.')
    },
    testTimeoutMs,
  )

  inChromium(
    'can be struck out, everywhere',
    async () => {
      const row = alice.page.getByRole('listitem').filter({ hasText: 'The key is under the mat.' })
      await row.getByRole('button', { name: 'Strike out' }).click()
      await bob.page.getByText('The key is under the mat.').waitFor({ state: 'detached' })
      expect((await notes.allDocs()).rows).toHaveLength(4)
    },
    testTimeoutMs,
  )

  inChromium(
    'stay out when they are none, and hold no others up',
    async () => {
      await bob.page.evaluate(async (tooLong) => {
        const { database } = window.notes
        const note = { author: 'Bob', at: 1, text: tooLong }
        await database.put({ _id: 'note:2026-01-01T00:00:00.000Z:long', ...note })
        await database.put({ _id: 'not a note', ...note, text: 'short' })
      }, 'x'.repeat(281))
      await bob.write('Bob', 'And this one is.')
      await Promise.all([alice.sees('And this one is.'), daveHas('And this one is.')])
      await alice.page.getByText('2 documents were no notes and stayed out.').waitFor()
      const ids = (await notes.allDocs()).rows.map(({ id }) => id)
      expect(ids.filter((id) => id === 'not a note' || id.endsWith(':long'))).toEqual([])
    },
    testTimeoutMs,
  )

  inChromium('leave nothing on the pages’ consoles', async () => {
    const shot = process.env.NOTES_SCREENSHOT
    if (shot) await alice.page.screenshot({ path: shot })
    expect([...alice.complaints, ...bob.complaints]).toEqual([])
  })
})
