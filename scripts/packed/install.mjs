// Installs the tarballs with plain npm from the registry only, and looks for anything that would download more.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../run.mjs'

const installTimeoutMs = 5 * 60_000
const registryTimeoutMs = 30_000
const installScripts = ['preinstall', 'install', 'postinstall']

/** Resolves to a sentence; throws when installing fails or would run a script. */
export async function installPacked({ app, tarballs }) {
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  // With scripts off, what is installed has to work as it came out of the registry.
  await npm(app, ['install', '--ignore-scripts', ...tarballs])
  const registry = await registryUrl(app)
  const { packages } = JSON.parse(readFileSync(join(app, 'package-lock.json'), 'utf8'))
  const complaints = Object.entries(packages).flatMap(([path, entry]) => inspect({ app, registry, path, entry }))
  if (complaints.length > 0) throw new Error(complaints.join('\n'))
  return `installed with plain npm: ${Object.keys(packages).length - 1} packages, from the registry only, no install script that fetches or compiles among them`
}

/** Adds what only the check itself needs. */
export async function installTools({ app, tools }) {
  await npm(app, ['install', '--save-dev', ...tools])
}

function inspect({ app, registry, path, entry }) {
  if (path === '') return []
  const complaints = []
  const { resolved = registry } = entry // npm can be told to leave the registry's own addresses out.
  const ours = resolved.startsWith('file:')
  if (!ours && !resolved.startsWith(registry)) complaints.push(`${path} comes from ${resolved}, not from the registry`)
  if (ours && /(^|\/)node_modules\/.*node_modules\//.test(path)) complaints.push(`${path} is a second copy of a package of ours`)
  if (entry.hasInstallScript && !(entry.optional && findsItsBinary(join(app, path)))) {
    complaints.push(`${path} runs a script when it is installed: ${scriptsOf(join(app, path))}`)
  }
  return complaints
}

/** The one script that fetches and compiles nothing: it looks for a binary that came inside the package. */
function findsItsBinary(folder) {
  const platform = join(folder, 'prebuilds', `${process.platform}-${process.arch}`)
  return scriptsOf(folder) === 'node-gyp-build' && existsSync(platform)
}

function scriptsOf(folder) {
  const { scripts = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return (
    installScripts
      .map((name) => scripts[name])
      .filter(Boolean)
      .join('; ') || 'node-gyp rebuild'
  )
}

/** The registry of this machine: a mirror is one too. */
async function registryUrl(app) {
  const { output } = await run(['npm', 'config', 'get', 'registry', '--loglevel=error'], {
    cwd: app,
    quiet: true,
    timeoutMs: registryTimeoutMs,
  })
  return output.trim()
}

async function npm(app, args) {
  const command = [
    'npm',
    ...args,
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--foreground-scripts',
    '--omit-lockfile-registry-resolved=false',
  ]
  const { code, output } = await run(command, { cwd: app, quiet: true, timeoutMs: installTimeoutMs })
  if (code !== 0) throw new Error(`npm ${args[0]} failed:\n${output}`)
}
