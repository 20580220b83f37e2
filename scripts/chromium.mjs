// The browser that the tests drive: Debian's Chromium, installed when that is possible without asking.
import { existsSync } from 'node:fs'
import { run } from './run.mjs'

export const chromiumPath = '/usr/bin/chromium'
const aptTimeoutMs = 10 * 60_000

/** Flags for a headless Chromium that speaks to nobody but us. */
export const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Resolves to true when Chromium is there, after installing it when root; says in one line what is missing otherwise. */
export async function ensureChromium() {
  if (existsSync(chromiumPath)) return true
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) await installChromium()
  if (existsSync(chromiumPath)) return true
  const advice = 'the browser tests need /usr/bin/chromium: apt-get install chromium'
  console.error(process.env.CI === 'true' ? `error: ${advice}` : `skipped: ${advice}`)
  return false
}

async function installChromium() {
  console.log('installing Chromium with apt-get …')
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  for (const step of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    const { code, output } = await run(['apt-get', ...step], { quiet: true, env, timeoutMs: aptTimeoutMs })
    if (code !== 0) return console.error(output)
  }
}
