// The layer check: dependency-cruiser with the rules of .dependency-cruiser.mjs, and proof that it looked at every file.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootFolder, run } from './run.mjs'
import { readWorkspace, typescriptFiles } from './workspace.mjs'

const timeoutMs = 120_000

/** Resolves to the complaints, none when every arrow points down. */
export async function checkLayers() {
  const folders = readWorkspace()
    .map(({ folder }) => join(folder, 'src'))
    .filter((folder) => existsSync(join(rootFolder, folder)))
  const command = ['node_modules/.bin/depcruise', '--config', '.dependency-cruiser.mjs', '--output-type', 'json', ...folders]
  const { output } = await run(command, { quiet: true, timeoutMs })
  const json = output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)
  if (!json) return [`dependency-cruiser told nothing:\n${output}`]
  const { modules, summary } = JSON.parse(json)
  const violations = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)
  return [...violations, ...blindSpots({ modules, folders }), ...readWorkspace().flatMap(looseReferences)]
}

/** Without a TypeScript it can use, dependency-cruiser sees nothing and finds nothing wrong. */
function blindSpots({ modules, folders }) {
  const seen = new Set(modules.map(({ source }) => source))
  const files = folders.flatMap(typescriptFiles)
  const missed = files.filter((file) => !seen.has(file))
  if (files.length === 0 || modules.length === 0) return [`it looked at ${modules.length} modules of ${files.length} files`]
  const crosses = ({ source, dependencies }) =>
    dependencies.some(({ resolved }) => /^(packages|apps)\//.test(resolved) && leafOf(resolved) !== leafOf(source))
  const blind = modules.some(crosses) ? [] : ['it resolved no import from one package to another']
  return [...missed.map((file) => `it did not look at ${file}`), ...blind]
}

function leafOf(path) {
  return path.split('/').slice(0, 2).join('/')
}

/** Builds run side by side in the order of the dependencies, so each TypeScript reference has to be one of them. */
function looseReferences({ name, folder, manifest }) {
  const path = join(rootFolder, folder, 'tsconfig.json')
  if (!existsSync(path)) return []
  const { references = [] } = JSON.parse(readFileSync(path, 'utf8'))
  const dependencies = { ...manifest.dependencies, ...manifest.devDependencies }
  return references
    .map((reference) => JSON.parse(readFileSync(join(rootFolder, folder, reference.path, 'package.json'), 'utf8')).name)
    .filter((referenced) => !Object.hasOwn(dependencies, referenced))
    .map((referenced) => `${name} references ${referenced} in its tsconfig.json and does not depend on it in its package.json`)
}
