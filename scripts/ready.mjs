// Makes a fresh checkout runnable: Node new enough, dependencies installed, packages built. Node's own modules only.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pnpm, rootFolder, run } from './run.mjs'

const nodeVersionMin = [20, 19]
const installTimeoutMs = 15 * 60_000
const buildTimeoutMs = 10 * 60_000

/** Resolves when the packages are built. Otherwise says why in words, calls `onFailure`, and ends the process. */
export async function ready({ build = [], onFailure = () => {} } = {}) {
  try {
    checkNode()
    await install()
    await buildPackages(build)
  } catch (error) {
    console.error(error.message)
    onFailure()
    process.exit(1)
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > nodeVersionMin[0] || (major === nodeVersionMin[0] && minor >= nodeVersionMin[1])) return
  throw new Error(
    `ResilientSwarm needs Node ${nodeVersionMin.join('.')} or newer, and this is Node ${process.versions.node}: install a newer one.`,
  )
}

async function install() {
  const stampPath = join(rootFolder, 'node_modules', '.installed-lockfile')
  const wanted = createHash('sha256')
    .update(readFileSync(join(rootFolder, 'pnpm-lock.yaml')))
    .update(process.versions.modules)
    .digest('hex')
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === wanted) return
  console.log('installing dependencies …')
  const command = [...pnpm, 'install', '--frozen-lockfile', '--reporter=append-only']
  const { code, output } = await run(command, { quiet: true, env: { CI: 'true' }, timeoutMs: installTimeoutMs })
  if (code !== 0)
    throw new Error(`${output}\nInstalling the dependencies failed; the log is above. Is the npm registry reachable?`)
  writeFileSync(stampPath, wanted)
}

async function buildPackages(only) {
  const filters = only.map((name) => `--filter=${name}...`)
  const command = [...pnpm, 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only', ...filters]
  const env = { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', TURBO_NO_UPDATE_NOTIFIER: '1' }
  const { code, output } = await run(command, { quiet: true, env, timeoutMs: buildTimeoutMs })
  if (code !== 0) throw new Error(`${output}\nBuilding the packages failed; the log is above.`)
}
