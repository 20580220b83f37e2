import { existsSync } from 'node:fs'
import { it } from '@jest/globals'
import { type Browser, chromium } from 'playwright-core'

const chromiumPath = '/usr/bin/chromium'
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Debian's Chromium with a new, empty profile, speaking to nobody but us. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, headless: true, args: flags })
}

/** Whether the browser tests run. Where there is no Chromium they are skipped, in so many words; in CI that is an error. */
export const hasChromium: boolean = findChromium()

function findChromium(): boolean {
  if (existsSync(chromiumPath)) return true
  const advice = `the browser tests need ${chromiumPath}: apt-get install chromium`
  if (process.env.CI === 'true') throw new Error(advice)
  process.stderr.write(`skipped: ${advice}\n`)
  return false
}

/** `it`, for tests that need a browser. */
export function inChromium(title: string, run: () => void | Promise<void>, timeoutMs?: number): void {
  const test = hasChromium ? it : it.skip
  test(title, run, timeoutMs)
}
