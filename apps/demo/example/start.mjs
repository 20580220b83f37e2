// The README example as three processes: two calls, six lines, a table; then the demo page until Ctrl-C.
import { createSignalServer } from '@resilient-swarm/signal-server'
import Table from 'cli-table3'
import { onFreePort } from './free-port.mjs'
import { startNodeProcess } from './node-process.mjs'
import { servePage } from './serve-page.mjs'

const host = '127.0.0.1'
const signalPort = 6688
const pagePort = 6680
const linesWanted = 6
const meetTimeoutMs = 30_000
const closeTimeoutMs = 1_900
const troubleTimeoutMs = 1_000

const once = process.argv.includes('--once')
const lines = []
const ended = []
const interrupted = new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
const startedAt = Date.now()
let sixth
const allMet = new Promise((resolve) => {
  sixth = resolve
})

const signalServer = await onFreePort({ host, port: signalPort }, (port) => createSignalServer({ host, port }))
const names = ['node1', 'node2', 'node3']
const nodes = names.map((name, index) =>
  startNodeProcess({
    signalUrl: signalServer.url,
    onPeer: (key) => printLine(peerLine(index, key)),
    onExit: (reason) => ended.push(`${name} ended early (${reason})`),
  }),
)

const outcome = await Promise.race([meet(), after(meetTimeoutMs, 'late'), interrupted.then(() => 'interrupted')])
if (outcome === 'late') await explain()
if (outcome === 'met' && !once) await stay()
await closeAll()
process.exit(outcome === 'late' ? 1 : 0)

async function meet() {
  const [key1, key2] = await Promise.all(nodes.map((node) => node.key))
  const calledAt = performance.now()
  nodes[0].call(key2)
  nodes[2].call(key1)
  await allMet
  const tookMs = Math.round(performance.now() - calledAt)
  await printTable()
  console.log(`${linesWanted} of ${linesWanted} in ${tookMs} ms`)
  return 'met'
}

function peerLine(index, key) {
  return `peer${index + 1} got ${key}`
}

function printLine(line) {
  if (lines.includes(line)) return
  lines.push(line)
  console.log(line)
  if (lines.length === linesWanted) sixth()
}

async function printTable() {
  const keys = await Promise.all(nodes.map((node) => node.key))
  const reports = await Promise.all(nodes.map((node) => node.report(names.length - 1)))
  const table = new Table({ head: ['pair', 'path', 'round trip', 'records'], style: { head: [], border: [] } })
  for (const [from, report] of reports.entries()) {
    for (const [to, toKey] of keys.entries()) {
      const link = report.paths.find(({ key }) => key === toKey)
      if (to <= from || !link) continue
      const { kind, via, rttMs } = link
      // A pair that has no direct path yet is told as it is, with the name of the one that relays.
      const path = via ? `${kind} through ${names[keys.indexOf(via)] ?? via}` : kind
      const roundTrip = rttMs === undefined ? 'not measured yet' : `${rttMs.toFixed(1)} ms`
      table.push([`${names[from]} – ${names[to]}`, path, roundTrip, `${report.records} and ${reports[to].records}`])
    }
  }
  console.log(table.toString())
}

async function explain() {
  console.error(`Only ${lines.length} of ${linesWanted} after ${(Date.now() - startedAt) / 1_000} s.`)
  for (const sentence of ended) console.error(sentence)
  const keys = await Promise.race([Promise.all(nodes.map((node) => node.key)), after(troubleTimeoutMs, [])])
  for (const [from, name] of names.entries()) {
    const missing = keys.filter((key, to) => to !== from && !lines.includes(peerLine(from, key)))
    for (const key of missing) console.error(`${name} did not get ${names[keys.indexOf(key)]}, ${key}`)
  }
  for (const [index, node] of nodes.entries()) {
    const errors = await Promise.race([node.trouble(), after(troubleTimeoutMs, ['does not answer'])])
    for (const error of errors) console.error(`${names[index]}: ${error}`)
  }
}

async function stay() {
  const page = await servePage({ host, port: pagePort })
  const query = signalServer.url.includes(`:${signalPort}`) ? '' : `?signals=${encodeURIComponent(signalServer.url)}`
  console.log(
    page ? `The demo page: ${page.url}${query} (Ctrl-C ends everything)` : 'The demo page is not built. Ctrl-C ends everything.',
  )
  await interrupted
  await page?.close()
}

async function closeAll() {
  await Promise.all(nodes.map((node) => node.end(closeTimeoutMs)))
  await Promise.race([signalServer.close(), after(closeTimeoutMs)])
}

function after(delayMs, value) {
  return new Promise((resolve) => setTimeout(resolve, delayMs, value).unref())
}
