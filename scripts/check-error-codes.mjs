// Every error code that a published package names has a heading in its README, or in that of a package that it depends on; and no
// heading is left of a code that is gone.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootFolder } from './run.mjs'
import { publishedPackages, typescriptFiles } from './workspace.mjs'

const literal = /'(ERR_[A-Z_]+)'/g
const heading = /^### (ERR_[A-Z_]+(?:, ERR_[A-Z_]+)*)$/gm

/** The complaints, none when sources and READMEs name the same codes. */
export function checkErrorCodes() {
  const found = publishedPackages().map(({ name, folder, manifest }) => {
    return { name, folder, dependencies: manifest.dependencies ?? {}, named: codesNamed(folder), told: codesTold(folder) }
  })
  const complaints = found.flatMap(({ folder, dependencies, named, told }) => {
    const below = found.filter(({ name }) => Object.hasOwn(dependencies, name)).flatMap((dependency) => [...dependency.told])
    return [
      ...missing(named, new Set([...told, ...below])).map((code) => `${folder}/README.md has no heading ### ${code}`),
      ...missing(told, named).map((code) => `${folder}/README.md has a heading for ${code}, which nothing in its src names`),
    ]
  })
  return found.every(({ named }) => named.size === 0) ? ['it found no error code in any package'] : complaints
}

function codesNamed(folder) {
  const source = typescriptFiles(join(folder, 'src'))
    .map((file) => readFileSync(join(rootFolder, file), 'utf8'))
    .join('\n')
  const codes = [...source.matchAll(literal)].map((match) => match[1])
  return new Set(source.includes('abortedError(') ? [...codes, 'ERR_ABORTED'] : codes)
}

function codesTold(folder) {
  const path = join(rootFolder, folder, 'README.md')
  const page = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return new Set([...page.matchAll(heading)].flatMap((match) => match[1].split(', ')))
}

function missing(wanted, present) {
  return [...wanted].filter((code) => !present.has(code))
}
