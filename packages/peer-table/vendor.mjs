// PouchDB for pages, as one module: its packages import Node's `events` and more, which bundlers leave to polyfills.
// What they take from elsewhere is replaced by less: a page loads it before its peer table opens.
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const output = join(here, 'dist/vendor')

const REPLACED = {
  events: readFileSync(join(here, 'vendor/events.js'), 'utf8'),
  'pouchdb-changes-filter': readFileSync(join(here, 'vendor/changes-filter.js'), 'utf8'),
  'pouchdb-md5': readFileSync(join(here, 'vendor/md5.js'), 'utf8'),
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

const { metafile } = await build({
  stdin: {
    contents: `
      import Core from 'pouchdb-core'
      import replication from 'pouchdb-replication'
      import idbAdapter from 'pouchdb-adapter-idb'
      export const PouchDB = Core.plugin(idbAdapter).plugin(replication)
      PouchDB.setMaxListeners(0)
      export const adapter = 'idb'
    `,
    resolveDir: here,
    loader: 'js',
  },
  absWorkingDir: here,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  metafile: true,
  define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
  plugins: [replace],
  outfile: join(output, 'pouchdb-browser.js'),
})

/** The package folder that a bundled file belongs to. */
function packageOf(file) {
  for (let folder = dirname(realpathSync(join(here, file))); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      if (name && version) return { folder, name, version, license }
    } catch {}
  }
  throw new Error(`no package owns ${file}`)
}

const packages = new Map()
for (const file of Object.keys(metafile.inputs)) {
  if (!file.includes('node_modules')) continue
  const owner = packageOf(file)
  packages.set(`${owner.name} ${owner.version}`, owner)
}
// One text for all that share it, to the letter.
const titles = new Map()
for (const [title, { folder, license }] of [...packages].sort()) {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name))
  const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `${license}; its repository has the text.`
  titles.set(text, [...(titles.get(text) ?? []), `${title} (${license})`])
}
const texts = [...titles].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`)
writeFileSync(join(output, 'LICENSES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`))
