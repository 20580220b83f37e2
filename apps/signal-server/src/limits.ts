import { LOGIN_TIMEOUT_MS } from '@resilient-swarm/signal-exchange/protocol'

/** What one server takes; `createSignalServer({ limits })` changes single ones. */
export const DEFAULT_LIMITS = {
  /** Connections at once, logged in or not: each costs about 20 KiB. */
  connectionsMax: 10_000,
  /** New connections from one address (IPv6: one /64): a burst is a page of tabs or a lab, a flood is an attack. */
  connectionRate: { perSecond: 5, burst: 50 },
  /** Addresses whose rate is remembered; the one unused for longest is forgotten first. */
  addressesMax: 10_000,
  /** From connecting to a proven key: a slow phone on a bad line needs three. */
  loginTimeoutMs: LOGIN_TIMEOUT_MS,
  /** Between two pings; two without an answer end the connection. Proxies cut idle connections after 60 s. */
  pingMs: 15_000,
  /** Frames that wait for one client's socket: at 12 KiB each under 400 KiB. */
  queueFramesMax: 32,
  /** Signals that one client sends: an attempt has about three, a node that joins makes a dozen attempts. */
  sends: { perSecond: 10, burst: 40 },
  /** Lookups of one client: 50 ask for 1,600 keys. */
  lookups: { perSecond: 5, burst: 50 },
  /** All frames of one client. What the other rates refuse is answered; beyond this one the connection ends. */
  frames: { perSecond: 50, burst: 200 },
  /** How long a client may take to answer our close before its socket is cut: a round trip and some. */
  closeTimeoutMs: 1_000,
}

export type SignalServerLimits = Readonly<typeof DEFAULT_LIMITS>

/** Bytes of an HTTP request's head: a browser's upgrade has about 600. */
export const HTTP_HEADER_BYTES_MAX = 8 * 1024
/** A request's head must be there by then, in ms; nobody holds a socket by dribbling it. */
export const HTTP_TIMEOUT_MS = 10_000
/** Pieces of one WebSocket message: 16 KiB come in one, and a proxy may split them in a few. */
export const FRAGMENTS_MAX = 64

/** The defaults with some changed; a TypeError or RangeError names what is wrong. */
export function readLimits(changed: Partial<SignalServerLimits> = {}): SignalServerLimits {
  for (const [name, value] of Object.entries(changed)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) throw new TypeError(`unknown limit '${name}'; see SignalServerLimits`)
    const numbers = typeof value === 'object' ? [value.perSecond, value.burst] : [value]
    for (const number of numbers) {
      if (!Number.isSafeInteger(number) || number < 1) throw new RangeError(`limits.${name} must be whole numbers from 1`)
    }
  }
  return { ...DEFAULT_LIMITS, ...changed }
}
