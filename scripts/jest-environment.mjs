// jest's Node environment, which also tells which test file left a socket, a child process or a server open behind it.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { TestEnvironment } from 'jest-environment-node'

/** What a test may leave to close by itself after its last line, before it counts as left open. */
const graceMs = 250

export default class WatchfulEnvironment extends TestEnvironment {
  #testPath
  #before

  constructor(config, context) {
    super(config, context)
    this.#testPath = context.testPath
  }

  async setup() {
    await super.setup()
    this.#before = countResources()
  }

  async teardown() {
    const journal = process.env.RESILIENT_SWARM_LEFT_OPEN_FILE
    if (journal && leftOpen(this.#before).length > 0) await sleep(graceMs)
    const left = journal ? leftOpen(this.#before) : []
    if (left.length > 0) appendFileSync(journal, `${this.#testPath}: ${left.join(', ')}\n`)
    await super.teardown()
  }
}

function leftOpen(before) {
  return [...countResources()]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${count - (before.get(kind) ?? 0)} ${kind}`)
}

/** Active handles by kind; those that jest's own workers come and go with are left out. */
function countResources() {
  const counts = new Map()
  for (const kind of process.getActiveResourcesInfo()) {
    if (/^(Timeout|Immediate|.*Req.*|MessagePort|PipeWrap|TTYWrap)$/.test(kind)) continue
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}
