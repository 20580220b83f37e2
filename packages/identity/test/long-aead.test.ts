import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { encodeHex } from '@resilient-swarm/contract'
import { type Engine, nobleEngine } from '@resilient-swarm/identity/engine'
import { type CipherState, createCipherState } from '@resilient-swarm/identity/noise'
import { readSharedJson, settle } from '@resilient-swarm/testkit'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { LONG_MESSAGE_BYTES_MIN } from '../src/limits.ts'

const KEY = new Uint8Array(32).fill(7)
const NO_AD = new Uint8Array(0)

/** noble behind a promise. */
const longEngine: Engine = {
  ...nobleEngine,
  async createLongAead(key) {
    const aead = nobleEngine.createAead(key)
    return { seal: async (...input) => aead.seal(...input), open: async (...input) => aead.open(...input) }
  },
}

/** A cipher that has asked for its long form and got it; its first message is spent. */
async function warmCipher(engine: Engine): Promise<CipherState> {
  const cipher = createCipherState({ key: KEY, engine })
  cipher.encryptSoon(NO_AD, new Uint8Array(LONG_MESSAGE_BYTES_MIN))
  await settle()
  return cipher
}

describe('a cipher beside the thread', () => {
  it('takes messages from LONG_MESSAGE_BYTES_MIN on, shorter ones are sealed at once', async () => {
    const cipher = await warmCipher(longEngine)
    expect(cipher.encryptSoon(NO_AD, new Uint8Array(LONG_MESSAGE_BYTES_MIN - 1))).toBeInstanceOf(Uint8Array)
    expect(cipher.encryptSoon(NO_AD, new Uint8Array(LONG_MESSAGE_BYTES_MIN))).toBeInstanceOf(Promise)
  })

  it('is not waited for, nor asked where the platform has none', async () => {
    const cipher = createCipherState({ key: KEY, engine: longEngine })
    expect(cipher.encryptSoon(NO_AD, new Uint8Array(LONG_MESSAGE_BYTES_MIN))).toBeInstanceOf(Uint8Array)
    for (const engine of [nobleEngine, { ...longEngine, createLongAead: async () => undefined }]) {
      const plain = await warmCipher(engine)
      expect(plain.encryptSoon(NO_AD, new Uint8Array(LONG_MESSAGE_BYTES_MIN))).toBeInstanceOf(Uint8Array)
    }
  })

  it('gives the records of the plain cipher, before and after a new key', async () => {
    const [long, plain] = [await warmCipher(longEngine), await warmCipher(nobleEngine)]
    for (const size of [5000, 3, 16_000, 0, 4096, 4095]) {
      const message = new Uint8Array(size).fill(size)
      expect(encodeHex(await long.encryptSoon(NO_AD, message))).toBe(encodeHex(plain.encrypt(NO_AD, message)))
      if (size !== 16_000) continue
      for (const cipher of [long, plain]) cipher.rekey()
      long.encryptSoon(NO_AD, new Uint8Array(LONG_MESSAGE_BYTES_MIN)) // asks for the new key's
      plain.encrypt(NO_AD, new Uint8Array(LONG_MESSAGE_BYTES_MIN))
      await settle()
    }
    expect(long.nonce).toBe(plain.nonce)
  })

  it('opens what was sealed, in any number at once, and says undefined of what was changed', async () => {
    const [sender, receiver] = [await warmCipher(longEngine), await warmCipher(longEngine)]
    const records = await Promise.all([1, 2, 3].map((fill) => sender.encryptSoon(NO_AD, new Uint8Array(5000).fill(fill))))
    records[1]?.set([(records[1][0] ?? 0) ^ 1])
    const opened = await Promise.all(records.map((record) => receiver.decryptSoon(NO_AD, record)))
    expect(opened.map((message) => message?.[0])).toEqual([1, undefined, 3])
  })
})

const EXECUTABLE = '/usr/bin/chromium'
if (!existsSync(EXECUTABLE)) {
  if (process.env.CI === 'true') throw new Error(`no ${EXECUTABLE}: apt-get install chromium`)
  process.stderr.write(`skipped: no ${EXECUTABLE}\n`)
}
const inChromium = existsSync(EXECUTABLE) ? it : it.skip

inChromium(
  "the browser's own cipher agrees with noble and with Wycheproof on all of chacha20_poly1305",
  async () => {
    type Test = { iv: string; key: string; aad: string; msg: string; ct: string; tag: string; flags: string[]; result: string }
    const file = readSharedJson('wycheproof/chacha20_poly1305_test.json') as { testGroups: { tests: Test[] }[] } | undefined
    const tests = (file?.testGroups ?? [])
      .flatMap((group) => group.tests)
      .filter(({ flags }) => !flags.includes('InvalidNonceSize'))
    expect(tests.length).toBe(file ? 316 : 0)
    const agreed = await withPage((page) => page.evaluate((given) => window.agree(given), tests))
    expect(agreed).toEqual(tests.map(() => true))
  },
  60_000,
)

declare global {
  interface Window {
    agree(tests: unknown[]): Promise<boolean[]>
  }
}

type Page = Awaited<ReturnType<Awaited<ReturnType<typeof chromium.launch>>['newPage']>>

async function withPage<Result>(act: (page: Page) => Promise<Result>): Promise<Result> {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL('./long-aead-page.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    conditions: ['@resilient-swarm/source', 'browser'],
  })
  const server = createServer(({ url }, response) => {
    response.writeHead(200, { 'content-type': url === '/' ? 'text/html' : 'text/javascript' })
    response.end(url === '/' ? '<!doctype html><script type="module" src="/page.js"></script>' : bundle.outputFiles[0]?.text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await page.waitForFunction('window.agree !== undefined')
    return await act(page)
  } finally {
    await browser.close()
    server.close()
  }
}
