import type { Browser, Page } from 'playwright-core'
import type { Journal } from './journal.ts'

declare global {
  interface Window {
    /** Put there by the test: tells what happens on the page. */
    tellTest(event: 'peer' | 'peer-left', key: string, detail?: string): void
  }
}

/** A tab with the page in it, in a browser context of its own. */
export interface PageTab {
  readonly name: string
  readonly page: Page
  readonly key: string
  /** What the page's console complained about. */
  readonly complaints: readonly string[]
  /** Types a key into the call box and presses Call. */
  call(key: string): Promise<void>
  say(text: string): Promise<void>
}

/** Opens the page; what its swarm tells goes into the journal under `name`, after reloads too. */
export async function openTab({
  browser,
  url,
  name,
  journal,
}: {
  browser: Browser
  url: string
  name: string
  journal: Journal
}): Promise<PageTab> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  await page.exposeFunction('tellTest', (event: 'peer' | 'peer-left', key: string, detail = '') => {
    journal.add({ who: name, event, key, detail })
  })
  await page.addInitScript(listenFromTheStart)
  await page.goto(url)
  const key = await page.evaluate(() => window.swarm.publicKey)
  return {
    name,
    page,
    key,
    complaints,
    async call(target) {
      await page.getByLabel('Key to call').fill(target)
      await page.getByRole('button', { name: 'Call', exact: true }).click()
    },
    async say(text) {
      await page.getByLabel('A line to everybody connected').fill(text)
      await page.getByRole('button', { name: 'Send' }).click()
    },
  }
}

/** Runs in the page before its own script: no event of its swarm is missed. */
function listenFromTheStart(): void {
  let swarm: Window['swarm']
  Object.defineProperty(window, 'swarm', {
    get: () => swarm,
    set(created: Window['swarm']) {
      swarm = created
      swarm.on('peer', (peer) => window.tellTest('peer', peer.publicKey))
      swarm.on('peer-left', (peer, reason) => window.tellTest('peer-left', peer.publicKey, reason))
    },
  })
}
