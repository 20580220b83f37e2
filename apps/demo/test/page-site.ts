import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sirv from 'sirv'

const demoFolder = join(import.meta.dirname, '..')
const buildTimeoutMs = 60_000

export interface PageSite {
  /** Where the page is served, ending in a slash. */
  readonly url: string
  close(): Promise<void>
}

/** Builds the page of an app from source into a folder of its own and serves it on a free port of 127.0.0.1. */
export async function servePageFromSource(folder: string = demoFolder): Promise<PageSite> {
  const vite = join(folder, 'node_modules/vite/bin/vite.js')
  const built = mkdtempSync(join(tmpdir(), 'resilient-swarm-page-'))
  const remove = () => rmSync(built, { recursive: true, force: true })
  const command = [vite, 'build', '--mode', 'source', '--outDir', built, '--emptyOutDir', '--logLevel', 'warn']
  // A process of its own: Vite inside a test would bring its threads and its module hooks along.
  const { stderr } = await promisify(execFile)(process.execPath, command, {
    cwd: folder,
    timeout: buildTimeoutMs,
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production' },
  }).catch((error: unknown) => {
    remove()
    throw error
  })
  if (/externalized for browser compatibility/.test(stderr)) throw new Error(`The page lacks modules of Node:\n${stderr}`)

  const serveFile = sirv(built)
  const server = createServer((request, response) => {
    serveFile(request, response, () => {
      response.writeHead(404).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          remove()
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
