import type { Browser, Page } from 'playwright-core'
import type { PeerId } from 'resilient-swarm'
import type { Entry, Journal } from './journal.ts'

declare global {
  interface Window {
    timersOfTest: { longestGapMs(): number }
    /** Put there by the test: what every peer connection of the page goes through. */
    networkOfTest: { goOffline(): void; goOnline(): void }
    /** Put there by the test: tells what happens on the page. */
    tellTest(event: Entry['event'], key: string, detail?: string): void
  }
}

/** A tab with the page in it, in a browser context of its own. */
export interface PageTab {
  readonly name: string
  readonly page: Page
  readonly key: PeerId
  /** What the page's console complained about. */
  readonly complaints: readonly string[]
  /** Types a key into the call box and presses Call. */
  call(key: string): Promise<void>
  say(text: string): Promise<void>
  /** Closes every peer connection underneath the page and lets it have no other. Its signal server stays. */
  goOffline(): Promise<void>
  goOnline(): Promise<void>
  /**
   * Stops the page's scripts for so long, its network going on, as a browser does to a tab that nobody looks at. Resolves with how
   * long its timers stood still, in ms.
   */
  freeze(ms: number): Promise<number>
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
  await page.exposeFunction('tellTest', (event: Entry['event'], key: string, detail = '') => {
    journal.add({ who: name, event, key, detail })
  })
  await page.addInitScript(listenFromTheStart)
  await page.addInitScript(holdConnections)
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
    goOffline: () => page.evaluate(() => window.networkOfTest.goOffline()),
    goOnline: () => page.evaluate(() => window.networkOfTest.goOnline()),
    async freeze(ms) {
      const devTools = await context.newCDPSession(page)
      await page.evaluate(watchTimers)
      // A headless page is always visible, and `Page.setWebLifecycleState` freezes none that is.
      await devTools.send('Debugger.enable')
      await devTools.send('Debugger.pause')
      await new Promise((resolve) => setTimeout(resolve, ms))
      await devTools.send('Debugger.resume')
      await devTools.detach()
      return page.evaluate(() => window.timersOfTest.longestGapMs())
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
      swarm.on('peer', (peer) => {
        window.tellTest('peer', peer.publicKey)
        peer.on('reconnecting', () => window.tellTest('reconnecting', peer.publicKey))
        peer.on('reconnected', () => window.tellTest('reconnected', peer.publicKey))
      })
      swarm.on('peer-left', (peer, reason) => window.tellTest('peer-left', peer.publicKey, reason))
      swarm.on('stream', (stream, peer) => window.tellTest('stream', peer.publicKey, stream.type))
    },
  })
}

/** Runs in the page before its own script. DevTools' own "offline" does not reach WebRTC, so this does. */
function holdConnections(): void {
  const connections = new Set<RTCPeerConnection>()
  let isOffline = false
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      // Without a network there are no candidates; relayed ones without a server are none.
      super(isOffline ? { ...configuration, iceServers: [], iceTransportPolicy: 'relay' } : configuration)
      connections.add(this)
    }
  }
  window.networkOfTest = {
    goOffline() {
      isOffline = true
      for (const connection of connections) connection.close()
      connections.clear()
      window.dispatchEvent(new Event('offline'))
    },
    goOnline() {
      isOffline = false
      window.dispatchEvent(new Event('online'))
    },
  }
}

function watchTimers(): void {
  let longestMs = 0
  let lastMs = performance.now()
  const tick = () => {
    longestMs = Math.max(longestMs, performance.now() - lastMs)
    lastMs = performance.now()
  }
  const timer = setInterval(tick, 50)
  window.timersOfTest = {
    longestGapMs() {
      clearInterval(timer)
      tick()
      return longestMs
    },
  }
}
