// A strict TypeScript user imports the published types, declarations of dependencies included.
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootFolder, run } from '../run.mjs'

const timeoutMs = 120_000
const ways = [
  { module: 'NodeNext', moduleResolution: 'NodeNext' },
  { module: 'ESNext', moduleResolution: 'Bundler' },
]

/** Resolves to a sentence; throws with the compiler's words. */
export async function checkConsumerTypes({ app }) {
  copyFileSync(join(rootFolder, 'scripts/packed/consumer.ts'), join(app, 'consumer.ts'))
  for (const way of ways) {
    const compilerOptions = {
      ...way,
      target: 'ES2022',
      lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
      types: [],
      strict: true,
      noEmit: true,
    }
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
    const { code, output } = await run([join(rootFolder, 'node_modules/.bin/tsc'), '-p', app], {
      cwd: app,
      quiet: true,
      timeoutMs,
    })
    if (code !== 0) throw new Error(`The published types do not compile (${way.moduleResolution}):\n${output}`)
  }
  return 'the published types compile, in Node and in a bundler'
}
