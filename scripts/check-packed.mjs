// npm run packed: what a user gets. Packs every package, installs the tarballs with plain npm far from here, and uses them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium } from './chromium.mjs'
import { packInto } from './pack.mjs'
import { installPacked } from './packed/install.mjs'
import { meetInBrowser } from './packed/meet-in-browser.mjs'
import { runExample } from './packed/run-example.mjs'
import { startSignalServer } from './packed/signal-server.mjs'
import { checkConsumerTypes } from './packed/types.mjs'
import { ready } from './ready.mjs'

await ready()
const folder = mkdtempSync(join(tmpdir(), 'resilient-swarm-packed-'))
const ending = []
try {
  const tarballs = await packInto(folder)
  say(`packed ${tarballs.length} packages`)
  const app = join(folder, 'app')
  say(await installPacked({ app, tarballs }))
  say(await checkConsumerTypes({ app }))
  const signalServer = await startSignalServer({ app })
  ending.push(signalServer.end)
  say(await runExample({ app, signals: signalServer.url }))
  if (await ensureChromium()) say(await meetInBrowser({ app, signals: signalServer.url }))
  else if (process.env.CI === 'true') throw new Error('Chromium is missing.')
  console.log('What we publish installs and works.')
} catch (error) {
  console.error(`failed: ${error.message}`)
  process.exitCode = 1
} finally {
  for (const end of ending.reverse()) await end()
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

function say(sentence) {
  console.log(`ok     ${sentence}`)
}
