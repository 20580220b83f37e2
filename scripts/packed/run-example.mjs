// The README's example, word for word, in plain Node.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProgram } from '../program.mjs'
import { rootFolder } from '../run.mjs'

const timeoutMs = 30_000
const linesWanted = 6
const lineShape = /^peer[123] got rs1[a-z2-7]{58}$/

/** Resolves to a sentence; throws when the six lines do not come. */
export async function runExample({ app, signals }) {
  const readme = readFileSync(join(rootFolder, 'README.md'), 'utf8')
  const example = readme.match(/^```ts\n(.*?)^```/ms)?.[1]
  if (!example?.includes('new Swarm()')) throw new Error('README.md has no ts block with the example.')
  writeFileSync(join(app, 'example.mjs'), example)
  const program = startProgram([process.execPath, 'example.mjs'], { cwd: app, env: { RESILIENT_SWARM_SIGNALS: signals } })
  try {
    const met = (lines) => new Set(lines.filter((line) => lineShape.test(line))).size === linesWanted
    await program.until(met, { what: `${linesWanted} lines of the README example`, timeoutMs })
  } finally {
    await program.end()
  }
  return `the README example prints its ${linesWanted} lines in Node`
}
