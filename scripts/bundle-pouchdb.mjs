// PouchDB's packages for pages, as one module: they import Node's `events` and more, which bundlers leave to polyfills.
// What they take from elsewhere is replaced by less; every package that is inside is named with its licence.
import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const replacements = fileURLToPath(new URL('../packages/peer-table/vendor/', import.meta.url))

const REPLACED = {
  events: readFileSync(join(replacements, 'events.js'), 'utf8'),
  'pouchdb-changes-filter': readFileSync(join(replacements, 'changes-filter.js'), 'utf8'),
  'pouchdb-md5': readFileSync(join(replacements, 'md5.js'), 'utf8'),
  // `crypto.randomUUID` is for secure pages only.
  uuid: `
    export const v4 = () => '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) =>
      (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16))`,
  // Tried when a document is nested so deep that JSON's own functions overflow the stack: that stays an error.
  vuvuzela: 'export default JSON',
}

const replace = {
  name: 'replace',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(events|pouchdb-changes-filter|pouchdb-md5|uuid|vuvuzela)$/ }, ({ path }) => ({
      path,
      namespace: 'replace',
    }))
    onLoad({ filter: /.*/, namespace: 'replace' }, ({ path }) => ({ contents: REPLACED[path], loader: 'js' }))
  },
}

/** Writes `contents`, a module's text that imports packages of `folder`, to `dist/vendor/<file>` there. `build` is esbuild's. */
export async function bundlePouchdb({ build, folder, file, contents }) {
  const output = join(folder, 'dist/vendor')
  const { metafile } = await build({
    stdin: { contents, resolveDir: folder, loader: 'js' },
    absWorkingDir: folder,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    metafile: true,
    define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
    plugins: [replace],
    outfile: join(output, file),
  })
  mkdirSync(output, { recursive: true })
  writeFileSync(join(output, 'LICENSES.txt'), licenses(folder, Object.keys(metafile.inputs)))
}

function licenses(folder, files) {
  const packages = new Map()
  for (const file of files) {
    if (!file.includes('node_modules')) continue
    const owner = packageOf(join(folder, file))
    packages.set(`${owner.name} ${owner.version}`, owner)
  }
  // One text for all that share it, to the letter.
  const titles = new Map()
  for (const [title, { folder: home, license }] of [...packages].sort()) {
    const file = readdirSync(home).find((name) => /^(licen[cs]e|copying)/i.test(name))
    const text = file ? readFileSync(join(home, file), 'utf8').trim() : `${license}; its repository has the text.`
    titles.set(text, [...(titles.get(text) ?? []), `${title} (${license})`])
  }
  const texts = [...titles].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`)
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}

/** The package folder that a bundled file belongs to. */
function packageOf(file) {
  for (let folder = dirname(realpathSync(file)); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      if (name && version) return { folder, name, version, license }
    } catch {}
  }
  throw new Error(`no package owns ${file}`)
}
