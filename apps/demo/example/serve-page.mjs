// Serves the built demo page to this machine's browsers.
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'
import { onFreePort } from './free-port.mjs'

const pageFolder = fileURLToPath(new URL('../dist', import.meta.url))

/** Resolves to `{ url, close }`, or to undefined when the page was not built. */
export async function servePage({ host, port }) {
  if (!existsSync(pageFolder)) return undefined
  const servePath = sirv(pageFolder, { etag: true })
  const server = createServer((request, response) => servePath(request, response, () => response.writeHead(404).end('not found')))
  const listen = (free) =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(free, host, () => resolve(free))
    })
  const free = await onFreePort({ host, port }, listen)
  return {
    url: `http://${host}:${free}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}
