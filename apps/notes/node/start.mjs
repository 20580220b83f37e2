// A signal server, the page, and a node in Node that keeps the notes: open the printed address in two browsers.
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createSignalServer } from '@resilient-swarm/signal-server'
import sirv from 'sirv'
import { keepNotes } from './keep-notes.mjs'

const host = '127.0.0.1'
const pagePort = 6681

const server = await createSignalServer({ host, port: 6688 })
const keeper = await keepNotes({ signals: [server.url] })
const serveFile = sirv(fileURLToPath(new URL('../dist', import.meta.url)), { etag: true })
const page = createServer((request, response) => serveFile(request, response, () => response.writeHead(404).end('not found')))
page.listen(pagePort, host, () => {
  console.log(`open http://${host}:${pagePort}/?call=${keeper.publicKey}`)
  console.log('in two browsers, or in two tabs of which one is private; Ctrl-C ends it')
})

process.once('SIGINT', async () => {
  page.close()
  page.closeAllConnections()
  await keeper.close()
  await server.close()
})
