// What the repository consists of, read from its folders: every package and app, and which of them are published.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootFolder } from './run.mjs'

/** Every package and app: `{ name, folder, manifest }`, `folder` relative to the root. */
export function readWorkspace() {
  const folders = ['packages', 'apps'].flatMap((group) => readdirSync(join(rootFolder, group)).map((leaf) => join(group, leaf)))
  return folders
    .filter((folder) => existsSync(join(rootFolder, folder, 'package.json')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(rootFolder, folder, 'package.json'), 'utf8'))
      return { name: manifest.name, folder, manifest }
    })
}

/** Those that users install. */
export function publishedPackages() {
  return readWorkspace().filter(({ manifest }) => manifest.private !== true)
}

/** Every TypeScript file below a folder, relative to the root. */
export function typescriptFiles(folder) {
  const path = join(rootFolder, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => join(folder, file))
}
