// The browser that the tests drive: Debian's Chromium, installed when that is possible without asking.
import { existsSync } from 'node:fs'
import { canInstall, installFromDebian } from './apt.mjs'

export const chromiumPath = '/usr/bin/chromium'

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
  if (canInstall()) await installFromDebian(['chromium'])
  if (existsSync(chromiumPath)) return true
  const advice = 'the browser tests need /usr/bin/chromium: apt-get install chromium'
  console.error(process.env.CI === 'true' ? `error: ${advice}` : `skipped: ${advice}`)
  return false
}
