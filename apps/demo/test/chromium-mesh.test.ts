import { afterAll, beforeAll, describe, expect } from '@jest/globals'
import { createSignalServer, type SignalServer } from '@resilient-swarm/signal-server'
import type { Browser } from 'playwright-core'
import { Swarm } from 'resilient-swarm'
import type { Chat } from '../src/chat.ts'
import { hasChromium, inChromium, launchChromium } from './chromium.ts'
import { createJournal } from './journal.ts'
import { chatInJournal, keepJournal } from './node-person.ts'
import { type PageSite, servePageFromSource } from './page-site.ts'
import { openTab, type PageTab } from './page-tab.ts'

const setupTimeoutMs = 120_000
const testTimeoutMs = 60_000
const journal = createJournal()
let server: SignalServer
let site: PageSite
let browser: Browser
let dave: Swarm // the node in Node; the tabs are alice, bob and carol
let daveChat: Chat
let tabs: PageTab[]

/** Everybody's name and key, the Node node last. */
const everybody = () => [...tabs.map(({ name, key }) => ({ name, key })), { name: 'dave', key: dave.publicKey as string }]

beforeAll(async () => {
  if (!hasChromium) return
  ;[server, site, browser] = await Promise.all([createSignalServer({ port: 0 }), servePageFromSource(), launchChromium()])
  dave = new Swarm({ signals: [server.url] })
  keepJournal({ name: 'dave', swarm: dave, journal })
  daveChat = chatInJournal({ name: 'dave', swarm: dave, journal })
  const url = `${site.url}?signals=${encodeURIComponent(server.url)}`
  tabs = await Promise.all(['alice', 'bob', 'carol'].map((name) => openTab({ browser, url, name, journal })))
  const [alice, bob, carol] = tabs as [PageTab, PageTab, PageTab]
  await alice.call(dave.publicKey)
  await bob.call(alice.key)
  await carol.call(bob.key)
  await journal.until(() => journal.of({ event: 'peer' }).length >= 12, 'the full mesh of four')
}, setupTimeoutMs)

afterAll(async () => {
  await browser?.close()
  await dave?.close()
  await Promise.all([server?.close(), site?.close()])
}, testTimeoutMs)

describe('three tabs in Chromium and one node in Node', () => {
  inChromium('form the full mesh, each tab having called one key', () => {
    const met = journal.of({ event: 'peer' }).map(({ who, key }) => `${who} ${key}`)
    const wanted = everybody().flatMap(({ name }) =>
      everybody()
        .filter((other) => other.name !== name)
        .map(({ key }) => `${name} ${key}`),
    )
    expect([...met].sort()).toEqual([...wanted].sort())
    expect(journal.of({ event: 'peer-left' })).toEqual([])
  })

  inChromium(
    'show every peer with its path, round trip and age, and what the table knows',
    async () => {
      for (const { page, key } of tabs) {
        const others = everybody().filter((other) => other.key !== key)
        await page.getByRole('list', { name: 'Peers' }).getByRole('listitem').nth(2).waitFor()
        for (const other of others) {
          const row = page.locator(`#peers li[data-key="${other.key}"]`)
          await row.getByText('direct, webrtc').waitFor()
          await row.getByText(/^\d+(\.\d)? ms$/).waitFor()
          await row.getByText(/^for \d+ s$/).waitFor()
        }
        await page.locator('#records tr').nth(3).waitFor()
        await page.getByRole('list', { name: 'Signal servers' }).getByText('registered').waitFor()
        await page.locator('#summary').getByText('Connected to 3 peers').waitFor()
      }
    },
    testTimeoutMs,
  )

  inChromium(
    'pass a chat line from each of them to all others',
    async () => {
      for (const tab of tabs) {
        const line = `hello from ${tab.name} <b>&amp;</b> ✓`
        await tab.say(line)
        await journal.until(() => journal.of({ who: 'dave', event: 'line', key: tab.key, detail: line }).length === 1, line)
        for (const other of tabs) await other.page.getByRole('log').getByText(line, { exact: true }).waitFor()
      }
      expect(await daveChat.say('hello from dave')).toBe(3)
      for (const { page } of tabs) await page.getByRole('log').getByText('hello from dave', { exact: true }).waitFor()
      expect(journal.of({ event: 'line' })).toHaveLength(3)
    },
    testTimeoutMs,
  )

  inChromium(
    'answer each other’s ping',
    async () => {
      const pinged = tabs.map(({ page }) => page.evaluate(() => Promise.all(window.swarm.peers.map((peer) => peer.rpc.ping()))))
      const times = [...(await Promise.all(pinged)), await Promise.all(dave.peers.map((peer) => peer.rpc.ping()))]
      expect(times.map((answers) => answers.length)).toEqual([3, 3, 3, 3])
      for (const time of times.flat()) expect(Math.abs(time - Date.now())).toBeLessThan(testTimeoutMs)
    },
    testTimeoutMs,
  )

  inChromium(
    'tell a wrong key in the sentence that the error carries',
    async () => {
      const [alice] = tabs as [PageTab]
      const typo = alice.key.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))
      const sentence = await alice.page.evaluate(async (key) => {
        const failure: unknown = await window.swarm.call(key).catch((error: unknown) => error)
        return failure instanceof Error ? failure.message : ''
      }, typo)
      expect(sentence).toMatch(/^\S.+\.$/)
      await alice.call(typo)
      await alice.page.locator('#call-told').getByText(sentence, { exact: true }).waitFor()
      await alice.call(alice.key)
      await alice.page.locator('#call-told').getByText('a swarm cannot call its own key').waitFor()
    },
    testTimeoutMs,
  )

  inChromium(
    'take a reloaded tab for the same node again, and find it by themselves',
    async () => {
      const [, bob] = tabs as [PageTab, PageTab]
      const others = everybody().filter(({ key }) => key !== bob.key)
      const before = journal.entries.length
      await bob.page.reload()
      expect(await bob.page.evaluate(() => window.swarm.publicKey)).toBe(bob.key)
      // Whoever noticed the loss before the return was `reconnecting` in between; that is a matter of timing.
      const since = (who: string) =>
        journal.entries.slice(before).filter((entry) => entry.who === who && /^peer(-left)?$/.test(entry.event))
      const met = (who: string) => since(who).filter(({ event }) => event === 'peer')
      await journal.until(
        () => met('bob').length === 3 && others.every(({ name }) => met(name).some(({ key }) => key === bob.key)),
        'bob back in the mesh',
      )
      expect(
        met('bob')
          .map(({ key }) => key)
          .sort(),
      ).toEqual(others.map(({ key }) => key).sort())
      for (const { name } of others) {
        expect(since(name)).toEqual([
          { who: name, event: 'peer-left', key: bob.key, detail: expect.stringMatching(/^(lost|replaced)$/) },
          expect.objectContaining({ who: name, event: 'peer', key: bob.key }),
        ])
      }
      await bob.say('here again')
      await journal.until(
        () => journal.of({ who: 'dave', event: 'line', detail: 'here again' }).length === 1,
        'the line after the reload',
      )
    },
    testTimeoutMs,
  )

  inChromium('leave nothing on the pages’ consoles', () => {
    expect(tabs.flatMap(({ name, complaints }) => complaints.map((complaint) => `${name}: ${complaint}`))).toEqual([])
  })
})
