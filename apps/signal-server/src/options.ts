import { createRuntime, type Log, type Runtime } from '@resilient-swarm/contract'
import { normalizeOrigin } from '@resilient-swarm/signal-exchange/protocol'
import { readLimits, type SignalServerLimits } from './limits.ts'

/** What a signal server may be told; everything has a default. */
export interface SignalServerOptions {
  /** Where to listen. Default 127.0.0.1. */
  readonly host?: string
  /** Default 6688; 0 takes a free one. */
  readonly port?: number
  /**
   * The URLs that clients dial, as they dial them. Logins for any other are refused. Without: the address that a connection
   * arrives at (and `localhost` for loopback), so a server behind a proxy or a port mapping must be told.
   */
  readonly origins?: readonly string[]
  /** The path that answers GET with a line of JSON, the `stats`; false for none. Default `/health`. */
  readonly health?: string | false
  /** Default: silent. */
  readonly log?: Log
  readonly limits?: Partial<SignalServerLimits>
  /** Time and chance; its log is used when `log` is not given. */
  readonly runtime?: Runtime
}

export interface Settings {
  readonly host: string
  readonly port: number
  readonly origins: readonly string[]
  readonly health: string | false
  readonly log: Log
  readonly limits: SignalServerLimits
  readonly runtime: Runtime
}

const OPTIONS: ReadonlySet<string> = new Set<keyof SignalServerOptions>([
  'host',
  'port',
  'origins',
  'health',
  'log',
  'limits',
  'runtime',
])

const PORT_MAX = 0xffff

/** Fills in the defaults; a TypeError or RangeError names the option that is wrong. */
export function readOptions(options: SignalServerOptions): Settings {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) throw new TypeError(`unknown option '${name}'; known are ${[...OPTIONS].join(', ')}`)
  }
  const { host = '127.0.0.1', port = 6688, origins = [], health = '/health', runtime = createRuntime() } = options
  if (!Number.isSafeInteger(port) || port < 0 || port > PORT_MAX) throw new RangeError(`port must be from 0 to ${PORT_MAX}`)
  if (health !== false && !health.startsWith('/')) throw new TypeError('health must be a path that begins with /, or false')
  return {
    host,
    port,
    origins: origins.map(normalizeOrigin),
    health,
    log: options.log ?? runtime.log,
    limits: readLimits(options.limits),
    runtime,
  }
}
