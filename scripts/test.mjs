// npm test: installs, builds, sees to Chromium and the network tools, runs every test. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium } from './chromium.mjs'
import { ensureNetworkTools } from './network-tools.mjs'
import { ready } from './ready.mjs'
import { endGroup, rootFolder } from './run.mjs'

const runTimeoutMs = 20 * 60_000
/** jest has told its results and should end by itself within this time. */
const endTimeoutMs = 10_000
const pollMs = 250

await ready({ onFailure: () => console.log('0 passed, 1 failed') })
const complaints = []
if (!(await ensureChromium()) && process.env.CI === 'true') complaints.push('Chromium is not installed.')
await ensureNetworkTools()

const folder = mkdtempSync(join(tmpdir(), 'resilient-swarm-test-'))
const countPath = join(folder, 'count.json')
const leftOpenPath = join(folder, 'left-open.txt')
const exitCode = await runJest()
const count = readCount() ?? { passed: 0, failed: 0 }
const leftOpen = existsSync(leftOpenPath) ? readFileSync(leftOpenPath, 'utf8') : ''
rmSync(folder, { recursive: true })

if (leftOpen) console.error(`\nTest files that left something open:\n${leftOpen.trimEnd()}`)
if (exitCode !== 0 && count.failed + complaints.length === 0) complaints.push(`jest ended with code ${exitCode}.`)
for (const complaint of complaints) console.error(`error: ${complaint}`)
const failed = count.failed + complaints.length
console.log(`${count.passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function runJest() {
  const nodeOptions = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`
  const child = spawn(join(rootFolder, 'node_modules', '.bin', 'jest'), process.argv.slice(2), {
    cwd: rootFolder,
    stdio: ['ignore', 'inherit', 'pipe'],
    detached: true,
    env: {
      ...process.env,
      NODE_OPTIONS: nodeOptions.trim(),
      RESILIENT_SWARM_COUNT_FILE: countPath,
      RESILIENT_SWARM_LEFT_OPEN_FILE: leftOpenPath,
    },
  })
  child.stderr.on('data', (chunk) => {
    process.stderr.write(chunk)
    if (String(chunk).includes('failed to exit gracefully')) complaints.push('a test kept its jest worker from ending.')
  })
  const passOn = (signal) => {
    endGroup(child, signal)
    process.exit(130)
  }
  process.once('SIGINT', passOn).once('SIGTERM', passOn)
  return new Promise((resolve) => {
    const watch = setInterval(() => judge(child), pollMs)
    child.on('close', (code) => {
      clearInterval(watch)
      resolve(code ?? 1)
    })
    const startedAt = Date.now()
    let finishedAt
    let ended = false

    function judge() {
      const now = Date.now()
      const count = readCount()
      if (count?.finished) finishedAt ??= now
      if (ended) return
      if (finishedAt !== undefined && now - finishedAt > endTimeoutMs)
        end('all tests ran, but something that they left open keeps jest alive.')
      else if (now - startedAt > runTimeoutMs)
        end(`the tests took over ${runTimeoutMs / 60_000} minutes; running: ${count?.running.join(', ') || 'none'}.`)
    }

    function end(complaint) {
      ended = true
      complaints.push(complaint)
      endGroup(child)
    }
  })
}

function readCount() {
  try {
    return JSON.parse(readFileSync(countPath, 'utf8'))
  } catch {
    return undefined // Not written yet, or being written right now.
  }
}
