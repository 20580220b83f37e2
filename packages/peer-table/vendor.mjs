// PouchDB for pages, as one module: its packages import Node's `events` and more, which bundlers leave to polyfills.
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const output = join(here, 'dist/vendor')

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
