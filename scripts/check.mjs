// npm run check: everything that can be found wrong without running the product. One line a check; a check that fails says why.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { checkBundle } from './check-bundle.mjs'
import { checkChangesets } from './check-changesets.mjs'
import { checkErrorCodes } from './check-error-codes.mjs'
import { checkLayers } from './check-layers.mjs'
import { checkLimits } from './generate-limits.mjs'
import { packInto } from './pack.mjs'
import { ready } from './ready.mjs'
import { run } from './run.mjs'

const toolTimeoutMs = 5 * 60_000

const checks = {
  format: () => complain(['biome', 'check', '--error-on-warnings']),
  types: () => complain(['tsc', '-p', 'tsconfig.test.json']),
  layers: checkLayers,
  unused: () => complain(['knip', '--no-progress', '--no-config-hints']),
  limits: checkLimits,
  errors: checkErrorCodes,
  changesets: checkChangesets,
  bundle: checkBundle,
  tarballs: checkTarballs,
}

await ready()
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(checks, name))
if (unknown.length > 0) {
  console.error(`There is no check called ${unknown.join(', ')}; there are ${Object.keys(checks).join(', ')}.`)
  process.exit(1)
}

let failed = 0
for (const [name, check] of Object.entries(checks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const startedAt = performance.now()
  const complaints = await check()
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`${complaints.length === 0 ? 'ok    ' : 'failed'} ${name} (${seconds} s)`)
  for (const complaint of complaints) console.log(complaint.replace(/^/gm, '       '))
  if (complaints.length > 0) failed += 1
}
console.log(failed === 0 ? 'All checks passed.' : `${failed} of the checks failed.`)
process.exitCode = failed === 0 ? 0 : 1

async function complain([tool, ...args]) {
  const { code, output, timedOut } = await run([join('node_modules', '.bin', tool), ...args], {
    quiet: true,
    timeoutMs: toolTimeoutMs,
  })
  if (code === 0 && !timedOut) return []
  return [timedOut ? `${tool} took over ${toolTimeoutMs / 1_000} s` : output.trim() || `${tool} ended with code ${code}`]
}

/** What users install: publint for its shape, attw for the types that each kind of importer finds. */
async function checkTarballs() {
  const folder = mkdtempSync(join(tmpdir(), 'resilient-swarm-tarballs-'))
  try {
    const complaints = []
    for (const tarball of await packInto(folder)) {
      const found = [
        ...(await complain(['publint', '--strict', tarball])),
        ...(await complain(['attw', tarball, '--profile', 'esm-only', '--no-emoji', '--no-color'])),
      ]
      complaints.push(...found.map((complaint) => `${basename(tarball)}: ${complaint}`))
    }
    return complaints
  } catch (error) {
    return [error.message]
  } finally {
    rmSync(folder, { recursive: true })
  }
}
