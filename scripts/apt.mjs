// What tests and scenarios need beyond Node, from Debian, when that is possible without asking.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { run } from './run.mjs'

const aptTimeoutMs = 10 * 60_000
const policyPath = '/usr/sbin/policy-rc.d'

export const canInstall = () => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')

/** Installs Debian packages without their recommendations, and without starting a service that one of them brings. */
export async function installFromDebian(packages) {
  console.log(`installing ${packages.join(', ')} with apt-get …`)
  const ownPolicy = !existsSync(policyPath)
  if (ownPolicy) writeFileSync(policyPath, '#!/bin/sh\nexit 101\n', { mode: 0o755 }) // invoke-rc.d(8): not allowed
  try {
    for (const step of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
      const env = { DEBIAN_FRONTEND: 'noninteractive' }
      const { code, output } = await run(['apt-get', ...step], { quiet: true, env, timeoutMs: aptTimeoutMs })
      if (code !== 0) return console.error(output)
    }
  } finally {
    if (ownPolicy) rmSync(policyPath)
  }
}
