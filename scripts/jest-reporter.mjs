// Keeps the running count of a jest run in a file, so that whoever started jest knows it even when jest never ends.
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'

export default class CountReporter {
  #path
  #root
  #count = { passed: 0, failed: 0, running: [], finished: false, leftOpen: [] }

  constructor(globalConfig, options) {
    this.#path = options.path ?? process.env.RESILIENT_SWARM_COUNT_FILE
    this.#root = globalConfig.rootDir
    this.#write()
  }

  onTestFileStart(test) {
    this.#count.running.push(relative(this.#root, test.path))
    this.#write()
  }

  onTestFileResult(test, result) {
    const path = relative(this.#root, test.path)
    const count = this.#count
    count.running = count.running.filter((running) => running !== path)
    count.passed += result.numPassingTests
    // A file that could not be loaded has no tests to fail; it counts as one.
    const brokenFile = result.testExecError && result.numFailingTests === 0 ? 1 : 0
    count.failed += result.numFailingTests + brokenFile
    this.#write()
  }

  onRunComplete() {
    this.#count.finished = true
    this.#write()
  }

  #write() {
    if (this.#path) writeFileSync(this.#path, JSON.stringify(this.#count))
  }
}
