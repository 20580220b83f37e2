import type { PeerId, Runtime, Transport } from '@resilient-swarm/contract'
import { createRuntime } from '@resilient-swarm/contract'
import type { RelayLimits } from '@resilient-swarm/relay'
import type { Methods } from '@resilient-swarm/rpc'
import { parseOrigin } from '@resilient-swarm/signal-exchange/protocol'
import { webrtc } from '@resilient-swarm/webrtc'
import { isTellable } from './doors.ts'
import { BROWSER_PEERS_MAX, CALL_TIMEOUT_MS, NODE_PEERS_MAX } from './limits.ts'
import type { Peer } from './peer.ts'

/** What a new swarm may be told; everything has a default. */
export interface SwarmOptions {
  /** 32 bytes that are this node's identity. Keep them to be the same node again; without them each instance is a new node. */
  readonly seed?: Uint8Array
  /** Separates swarms that share servers. Default `public`. */
  readonly network?: string
  /** Signal servers as `ws:` or `wss:` URLs; any one alive is enough. Default: RESILIENT_SWARM_SIGNALS, or ws://127.0.0.1:6688. */
  readonly signals?: readonly string[]
  /** Ways to make paths: each is tried when the one before it failed, or a quarter of a second later. Default `[webrtc()]`. */
  readonly transports?: readonly Transport[]
  /** Whom to let in, asked after a key is proven and before any substream. Default: everybody. */
  readonly admit?: (peer: PeerId) => boolean | Promise<boolean>
  /** What peers may call on this node by `peer.rpc`, made for each peer. */
  readonly methods?: (peer: Peer) => Methods
  /** The most peers at once. Default 24 in a page, 64 in Node. */
  readonly peersMax?: number
  /** How long a call goes on without an answer, in ms. Default 30,000. */
  readonly callTimeoutMs?: number
  /** Whether this node forwards for peers who cannot reach each other, and how much. It reads nothing of it. Default: yes in Node, no in a page. */
  readonly relay?: RelayServingOptions
  /** In Node: where this node lasts. Its seed (unless `seed` is given), its table and the doors that it knows are kept there; one node a folder. */
  readonly folder?: string
  /** In Node: be a signal exchange too, a door by which others come in when every signal server is dead. Default: none. */
  readonly exchange?: ExchangeOptions
  /** The door to time, chance and noise. Default: the real ones, silent. */
  readonly runtime?: Runtime
}

/** Where a node listens that is a signal exchange itself. */
export interface ExchangeOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Default: every address. */
  readonly host?: string
  /** The `ws:` or `wss:` URL by which others dial it, behind a proxy or a port mapping. Default: the addresses of this machine. */
  readonly url?: string
}

/** What a node that relays allows; what is left out has the relay package's defaults. */
export interface RelayServingOptions extends Partial<RelayLimits> {
  readonly serve?: boolean
  /** Policy of the application on top of the limits: may `from` have a circuit to `to` through us? */
  readonly allow?: (from: PeerId, to: PeerId) => boolean
}

export type Settings = Required<Omit<SwarmOptions, 'seed' | 'folder' | 'exchange' | 'relay'>> &
  Pick<SwarmOptions, 'seed' | 'folder'> & {
    readonly relay: RelayServingOptions & { readonly serve: boolean }
    readonly exchange?: ExchangeOptions & { readonly host: string }
  }

const DEFAULT_SIGNALS = 'ws://127.0.0.1:6688'
const NETWORK_BYTES_MAX = 64 // it is part of every prologue; a name, not a document
const KNOWN: ReadonlySet<string> = new Set<keyof SwarmOptions>([
  'seed',
  'network',
  'signals',
  'transports',
  'admit',
  'methods',
  'peersMax',
  'callTimeoutMs',
  'relay',
  'folder',
  'exchange',
  'runtime',
])

/** Fills in the defaults; a TypeError or RangeError names the option that is wrong. */
export function readOptions(options: SwarmOptions): Settings {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object')
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw new TypeError(`unknown option '${name}'; known are ${[...KNOWN].join(', ')}`)
  }
  const network = options.network ?? 'public'
  if (typeof network !== 'string' || network.length === 0 || new TextEncoder().encode(network).byteLength > NETWORK_BYTES_MAX) {
    throw new RangeError(`network must be a name of 1 to ${NETWORK_BYTES_MAX} bytes`)
  }
  return {
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.folder === undefined ? {} : { folder: checkFolder(options.folder) }),
    ...(options.exchange === undefined ? {} : { exchange: readExchange(options.exchange) }),
    network,
    signals: checkSignals(options.signals ?? signalsOfEnvironment()),
    transports: checkTransports(options.transports ?? [webrtc()]),
    admit: checkFunction('admit', options.admit ?? (() => true)),
    methods: checkFunction('methods', options.methods ?? (() => ({}))),
    peersMax: positive('peersMax', options.peersMax ?? (inPage() ? BROWSER_PEERS_MAX : NODE_PEERS_MAX)),
    callTimeoutMs: positive('callTimeoutMs', options.callTimeoutMs ?? CALL_TIMEOUT_MS),
    relay: readRelay(options.relay ?? {}),
    runtime: checkRuntime(options.runtime ?? createRuntime()),
  }
}

const RELAY_LIMIT_NAMES: ReadonlySet<string> = new Set<keyof RelayLimits>([
  'circuitsMax',
  'circuitsPerPeerMax',
  'circuitsPerTargetMax',
  'bytesPerSecondMax',
  'burstBytesMax',
  'circuitDurationMsMax',
])

function readRelay(given: RelayServingOptions): Settings['relay'] {
  if (typeof given !== 'object' || given === null) throw new TypeError('relay must be an object')
  const { serve = !inPage(), allow, ...limits } = given
  if (typeof serve !== 'boolean') throw new TypeError('relay.serve must be true or false')
  if (allow !== undefined) checkFunction('relay.allow', allow)
  for (const [name, value] of Object.entries(limits)) {
    if (!RELAY_LIMIT_NAMES.has(name))
      throw new TypeError(`relay.${name} is not an option; known are serve, allow, ${[...RELAY_LIMIT_NAMES].join(', ')}`)
    if (value !== Number.POSITIVE_INFINITY || name !== 'bytesPerSecondMax') positive(`relay.${name}`, value as number)
  }
  return { ...given, serve }
}

function checkFolder(folder: string): string {
  if (typeof folder !== 'string' || folder === '') throw new TypeError('folder must be the path of a folder')
  return folder
}

const EXCHANGE_NAMES: ReadonlySet<string> = new Set<keyof ExchangeOptions>(['port', 'host', 'url'])
const PORT_MAX = 0xffff
const TOLD_URL_BYTES_MAX = 128 // what a record holds

function readExchange(given: ExchangeOptions): Settings['exchange'] & object {
  if (inPage()) throw new TypeError('exchange is for Node: a page cannot listen for others')
  if (typeof given !== 'object' || given === null) throw new TypeError('exchange must be an object')
  for (const name of Object.keys(given))
    if (!EXCHANGE_NAMES.has(name))
      throw new TypeError(`exchange.${name} is not an option; known are ${[...EXCHANGE_NAMES].join(', ')}`)
  const { port, host = '0.0.0.0', url } = given
  if (!Number.isSafeInteger(port) || port < 0 || port > PORT_MAX)
    throw new RangeError(`exchange.port must be a whole number from 0 to ${PORT_MAX}`)
  if (typeof host !== 'string' || host === '') throw new TypeError('exchange.host must be an address')
  if (url === undefined) return { port, host }
  const origin = parseOrigin(url)
  if (origin === undefined || !/^[!-~]+$/.test(origin) || /[?%]/.test(origin) || origin.length > TOLD_URL_BYTES_MAX)
    throw new TypeError(
      `exchange.url: '${String(url)}' is not a ws: or wss: URL of at most ${TOLD_URL_BYTES_MAX} bytes without a query`,
    )
  if (!isTellable(origin)) throw new TypeError('exchange.url: peers go to a path only by wss:, so a ws: URL has none')
  return { port, host, url: origin }
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value <= 0) throw new RangeError(`${name} must be a positive whole number`)
  return value
}

function checkFunction<Given>(name: string, given: Given): Given {
  if (typeof given !== 'function') throw new TypeError(`${name} must be a function`)
  return given
}

function checkTransports(transports: readonly Transport[]): readonly Transport[] {
  if (!Array.isArray(transports)) throw new TypeError('transports must be an array, as [webrtc()] is')
  for (const { name, dial, listen } of transports.map((transport) => Object(transport) as Transport)) {
    if (typeof name !== 'string' || typeof dial !== 'function' || typeof listen !== 'function')
      throw new TypeError('transports: each must have a name, dial and listen; webrtc() makes one')
  }
  return transports
}

function checkRuntime(runtime: Runtime): Runtime {
  const { clock, random, log } = Object(runtime) as Partial<Runtime>
  if (!clock || !random || !log) throw new TypeError('runtime must have clock, random and log; createRuntime() makes one')
  return runtime
}

function checkSignals(urls: readonly string[]): readonly string[] {
  if (!Array.isArray(urls)) throw new TypeError('signals must be an array of URLs')
  for (const url of urls) {
    if (typeof url !== 'string' || parseOrigin(url) === undefined) {
      throw new TypeError(`signals: '${String(url)}' is not a ws: or wss: URL`)
    }
  }
  return [...new Set(urls)]
}

function signalsOfEnvironment(): readonly string[] {
  const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env
  const listed = environment?.['RESILIENT_SWARM_SIGNALS'] ?? DEFAULT_SIGNALS
  return listed
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '')
}

function inPage(): boolean {
  return typeof (globalThis as { document?: unknown }).document === 'object'
}
