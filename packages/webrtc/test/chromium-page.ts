import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AttemptSignal } from '@resilient-swarm/contract'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'

const EXECUTABLE = '/usr/bin/chromium'
const FLAGS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'
const folder = dirname(fileURLToPath(import.meta.url))

/** Why there is no browser to test with; an error where one is expected. */
export function skipReason(): string | undefined {
  if (existsSync(EXECUTABLE)) return undefined
  const reason = `no ${EXECUTABLE}: apt-get install chromium`
  if (process.env.CI === 'true') throw new Error(reason)
  process.stderr.write(`skipped: ${reason}\n`)
  return reason
}

export interface ChromiumEnd {
  readonly by: string
  readonly code: number
  readonly error?: string
}

/** A page with our code in it. */
export interface ChromiumPage {
  readonly page: Page
  /** Where this page's signals go. */
  tellPeer: (signal: AttemptSignal) => void
  hear(signal: AttemptSignal): Promise<void>
  /** How its channel ended. */
  readonly ended: Promise<ChromiumEnd>
}

export interface Chromium {
  open(): Promise<ChromiumPage>
  close(): Promise<void>
}

export async function launchChromium(): Promise<Chromium> {
  const script = await bundlePage()
  const server = await serve(script)
  const { port } = server.address() as AddressInfo
  const browser = await chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS.split(' ') })
  return {
    open: () => openPage(browser, `http://127.0.0.1:${port}/`),
    async close() {
      await browser.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

async function openPage(browser: Browser, url: string): Promise<ChromiumPage> {
  const context = await browser.newContext()
  const page = await context.newPage()
  let resolveEnded: (end: ChromiumEnd) => void = () => {}
  const opened: ChromiumPage = {
    page,
    tellPeer: () => {},
    hear: (signal) => page.evaluate((each) => window.page.hear(each), signal),
    ended: new Promise((resolve) => {
      resolveEnded = resolve
    }),
  }
  await page.exposeFunction('tellPeer', (signal: AttemptSignal) => opened.tellPeer(signal))
  await page.exposeFunction('tellEnd', (end: ChromiumEnd) => resolveEnded(end))
  await page.goto(url)
  return opened
}

async function bundlePage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'page', 'main.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    conditions: ['browser', '@resilient-swarm/source'],
    alias: {
      '@resilient-swarm/testkit': join(folder, '../../testkit/src/channel-conformance.ts'),
      '@jest/globals': join(folder, 'page', 'mini-jest.ts'),
    },
  })
  return outputFiles[0]?.text ?? ''
}

function serve(script: string): Promise<Server> {
  const server = createServer(({ url }, response) => {
    const isScript = url === '/main.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : '<!doctype html><meta charset=utf-8><script src=/main.js></script>')
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}
