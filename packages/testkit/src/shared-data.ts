import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder of test vectors beside the checkout, or undefined where there is none. */
export function sharedDataFolder(): string | undefined {
  for (let folder = process.cwd(); folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, '..', 'shared', 'data')
    if (existsSync(candidate)) return candidate
  }
  return undefined
}

/** One JSON file of vectors; undefined, after saying so in one line, when the folder is not there. */
export function readSharedJson(path: string): unknown {
  const folder = sharedDataFolder()
  if (folder && existsSync(join(folder, path))) return JSON.parse(readFileSync(join(folder, path), 'utf8'))
  process.stderr.write(`skipped: no ../shared/data/${path} beside this checkout, its vectors are not run\n`)
  return undefined
}
