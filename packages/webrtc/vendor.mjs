// Bundles simple-peer for Node and pages alike: what it takes from other packages is either bundled with it or replaced here.
// Its WebRTC comes from us (`config.connection`), so that every instance can have its own and nothing is downloaded on install.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = dirname(fileURLToPath(import.meta.url))
const entry = createRequire(import.meta.url).resolve('@thaunknown/simple-peer/lite.js')
const outfile = join(folder, 'dist', 'vendor', 'simple-peer.js')

const REPLACED = {
  'webrtc-polyfill': `
    export function RTCPeerConnection(config) { return config.connection }
    export class RTCSessionDescription { constructor({ type, sdp }) { this.type = type; this.sdp = sdp } }
    export class RTCIceCandidate { constructor(candidate) { Object.assign(this, candidate) } }`,
  debug: 'export default () => {}',
  // Defined, not assigned: a DOMException's own `code` is read-only.
  'err-code': "export default (error, code) => Object.defineProperty(error, 'code', { value: code, enumerable: true })",
  // Its builds need either Node's Buffer or Uint8Array.toHex, which browsers have only had since 2025.
  'uint8-util': `
    export const randomBytes = (size) => crypto.getRandomValues(new Uint8Array(size))
    export const arr2hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    export const text2arr = (text) => new TextEncoder().encode(text)`,
  // Bytes do not go through simple-peer: we drive its data channel ourselves. What is left of the stream are its events.
  streamx: `
    export class Duplex {
      #listeners = new Map()
      destroyed = false
      on(name, listen) { this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listen]); return this }
      once(name, listen) { return this.on(name, listen) }
      removeListener(name, listen) {
        this.#listeners.set(name, (this.#listeners.get(name) ?? []).filter((each) => each !== listen))
        return this
      }
      emit(name, ...args) { for (const listen of this.#listeners.get(name) ?? []) listen.apply(this, args) }
      end() {}
      destroy() { this._destroy(() => {}); this.destroyed = true }
    }`,
}

// Never called, since its channel is never simple-peer's (see src/negotiator.ts), or overridden there.
const UNREACHED = [
  ...['get bufferSize', 'get connected', 'address', 'send', 'getStats', '_final', '_write', '_onFinish', '_onInterval', '_debug'],
  ...['_onChannelMessage', '_onChannelBufferedAmountLow', '_onChannelOpen', '_onChannelClose'],
  ...['_setupData', '__destroy', '_startIceCompleteTimeout'],
]
// Reached, and it always returned on its first line: no channel of simple-peer's is ever ready.
const IDLE = '_maybeReady'

/** simple-peer's methods stand two spaces in; one that is not there means that another version than ours was bundled. */
function replaceMethod(source, name, replacement) {
  const start = source.indexOf(`\n  ${name} (`)
  const end = source.indexOf('\n  }\n', start)
  if (start < 0 || end < 0) throw new Error(`simple-peer has no method ${name}`)
  return source.slice(0, start) + replacement + source.slice(end + '\n  }'.length)
}

function withoutDeadCode(text) {
  const source = text.replaceAll('\r\n', '\n')
  const reached = UNREACHED.reduce((left, name) => replaceMethod(left, name, ''), source)
  return replaceMethod(reached, IDLE, `\n  ${IDLE} () {}`).replaceAll('this._debug(', 'console.debug(') // see `drop`
}

const replace = {
  name: 'replace',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(webrtc-polyfill|debug|err-code|uint8-util|streamx)$/ }, ({ path }) => ({ path, namespace: 'replace' }))
    onLoad({ filter: /.*/, namespace: 'replace' }, ({ path }) => ({ contents: REPLACED[path], loader: 'js' }))
    onLoad({ filter: /simple-peer[\\/]lite\.js$/ }, ({ path }) => ({ contents: withoutDeadCode(readFileSync(path, 'utf8')) }))
  },
}

const { metafile } = await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  conditions: ['browser', 'import'],
  target: 'es2022',
  minifySyntax: true, // drops what the dropped calls leave behind
  drop: ['console'], // debugging words, and warnings about candidates that we ignore on purpose
  legalComments: 'none',
  banner: { js: '// simple-peer and what it needs; licences in LICENSES.txt beside this file.' },
  mangleProps: /^_/, // but what src/negotiator.ts overrides
  reserveProps: /^(_setupData|__destroy|_startIceCompleteTimeout)$/,
  plugins: [replace],
  metafile: true,
})

copyFileSync(join(folder, 'src', 'simple-peer.d.ts'), join(dirname(outfile), 'simple-peer.d.ts'))

const packages = new Map()
for (const input of Object.keys(metafile.inputs)) {
  const match = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(input)
  if (match) packages.set(match[2], join(process.cwd(), match[1]))
}
const licences = [...packages].sort().map(([name, path]) => {
  const { version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  return `${name} ${version} (${license})\n\n${licenceText(path)}\n`
})
writeFileSync(join(dirname(outfile), 'LICENSES.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`))

function licenceText(path) {
  for (const name of ['LICENSE', 'LICENSE.md', 'LICENCE', 'license']) {
    try {
      return readFileSync(join(path, name), 'utf8').trim()
    } catch {}
  }
  return 'The package carries no licence file; its package.json names the licence above.'
}
