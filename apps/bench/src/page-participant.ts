import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import type { Participant } from './participant.ts'
import { type Remote, remoteParticipant } from './remote.ts'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** An isolated page's clock ticks every 5 µs, any other's every 100: a quarter of a round trip. */
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

/** Serves the participants' page. */
export async function servePage(): Promise<{ url: string; close(): void }> {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL('./page-entry.js', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    minify: true,
  })
  const script = bundle.outputFiles[0]?.text ?? ''
  const page = `<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/page.js"></script>`
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.writeHead(200, { ...ISOLATED, 'content-type': isScript ? 'text/javascript' : 'text/html' })
    response.end(isScript ? script : page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() }
}

/** Starts a participant in a page of a Chromium of its own. */
export async function startPageParticipant(url: string): Promise<Remote<Participant>> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-chromium-'))
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: CHROMIUM,
    args: FLAGS,
    chromiumSandbox: false,
  })
  const page = await context.newPage()
  await page.goto(url)
  await page.waitForFunction('globalThis.participant !== undefined')
  const ask = (name: string, args: unknown[]) =>
    page.evaluate(
      ([called, given]) =>
        (globalThis as unknown as { participant: Record<string, (...args: unknown[]) => unknown> }).participant[
          called as string
        ]?.(...(given as unknown[])),
      [name, args],
    )
  return remoteParticipant<Participant, { kill(): Promise<void> }>(ask, {
    async kill() {
      await context.close()
      await rm(folder, { recursive: true, force: true })
    },
  })
}
