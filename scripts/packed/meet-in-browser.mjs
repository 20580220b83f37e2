// A ten-line Vite app without any configuration, joining a swarm in Chromium with a node in Node on the other side.
import { copyFileSync, createReadStream, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { chromiumFlags, chromiumPath } from '../chromium.mjs'
import { startProgram } from '../program.mjs'
import { rootFolder, run } from '../run.mjs'
import { installTools } from './install.mjs'

const vite = 'vite@8.3.8'
const host = '127.0.0.1'
const buildTimeoutMs = 120_000
const meetTimeoutMs = 30_000
const contentTypes = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' }

/** Resolves to a sentence; throws when the app does not build cleanly, or the two do not meet. */
export async function meetInBrowser({ app, signals }) {
  await buildApp(app)
  const node = startProgram([process.execPath, 'node.mjs'], { cwd: app, env: { RESILIENT_SWARM_SIGNALS: signals } })
  const server = await serve(join(app, 'dist'))
  const profile = mkdtempSync(join(tmpdir(), 'resilient-swarm-profile-'))
  const options = { executablePath: chromiumPath, headless: true, args: chromiumFlags }
  const browser = await chromium.launchPersistentContext(profile, options)
  const told = []
  try {
    const key = await node.until(wordAfter('key'), { what: 'the key of the node in Node', timeoutMs: meetTimeoutMs })
    const page = await browser.newPage()
    page.on('console', (message) => told.push(message.text()))
    page.on('pageerror', (error) => told.push(String(error)))
    await page.goto(`${server.url}?${new URLSearchParams({ key, signals })}`)
    const wanted = `got ${key}`
    await page.waitForFunction((title) => document.title === title, wanted, { timeout: meetTimeoutMs })
    const pageKey = wordAfter('key')(told)
    await node.until((lines) => lines.includes(`got ${pageKey}`), {
      what: 'the page as a peer in Node',
      timeoutMs: meetTimeoutMs,
    })
  } catch (error) {
    throw new Error(
      `The page and the node did not meet: ${error.message}\nthe page: ${told.join('\n')}\nthe node: ${node.lines.join('\n')}`,
    )
  } finally {
    await browser.close()
    await node.end()
    server.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 })
  }
  return 'a Vite app without configuration builds, and meets a node in Node from Chromium'
}

async function buildApp(app) {
  await installTools({ app, tools: [vite] })
  for (const file of ['index.html', 'main.js', 'node.mjs'])
    copyFileSync(join(rootFolder, 'scripts/packed', file), join(app, file))
  const { code, output } = await run([join(app, 'node_modules/.bin/vite'), 'build'], {
    cwd: app,
    quiet: true,
    timeoutMs: buildTimeoutMs,
  })
  if (code !== 0) throw new Error(`vite build failed:\n${output}`)
  if (/externalized for browser compatibility/.test(output)) throw new Error(`The bundle lacks modules of Node:\n${output}`)
}

const wordAfter = (word) => (lines) => lines.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1)

/** A folder on a free port; nothing but files that are there. */
function serve(folder) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, `http://${host}`)
    const path = join(folder, pathname === '/' ? 'index.html' : pathname)
    if (!existsSync(path)) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': contentTypes[extname(path)] ?? 'application/octet-stream' })
    createReadStream(path).pipe(response)
  })
  return new Promise((resolve) => {
    server.listen(0, host, () => {
      const close = () => {
        server.close()
        server.closeAllConnections()
      }
      resolve({ url: `http://${host}:${server.address().port}/`, close })
    })
  })
}
