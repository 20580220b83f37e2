/** Longest frame: what a sealed record of 16 KiB has room for, less the seal's 16 bytes. A path must take it in one message. */
export const FRAME_BYTES_MAX = 16 * 1024 - 16

/** The longest header, DATA's: its type and two varints of up to eight bytes. */
export const HEADER_BYTES_MAX = 17

/** Unacknowledged bytes at first: 26 MB/s at 40 ms. */
export const WINDOW_BYTES = 1024 * 1024

/** A window grows up to this where it, not the path, held the sender back: 80 MB/s at 100 ms. It is also what a peer can make us keep out of order. */
export const WINDOW_BYTES_MAX = 8 * 1024 * 1024

/** What a frame counts for besides its bytes: about what keeping it costs, so that empty messages are bounded as well. */
export const FRAME_COST_BYTES = 64

/** Frames that may be ahead of the oldest unacknowledged one, however short: keeping an empty one takes ten times its cost, so the bytes alone do not bound it. */
export const FRAMES_AHEAD_MAX = 16_384

/** What waits beyond the window before a sender that ignores `false` loses its session, as on a data channel. */
export const WAITING_BYTES_MAX = 4 * 1024 * 1024

/** Delivered bytes that wait for a listener: as many as a peer may have buffered in the layers around. */
export const UNHEARD_BYTES_MAX = 4 * 1024 * 1024

/** An ACK of its own goes out after so much: a quarter of the smallest window, so that a sender never waits for the timer. */
export const ACK_AFTER_BYTES = 256 * 1024

/** ... or so long after the first unacknowledged DATA: below any round trip that a verdict is made of. */
export const ACK_DELAY_MS = 20

/** Paths of one session, those that are greeting included: two kinds of direct ones and some relays. Also the bits of a small mask. */
export const PATHS_MAX = 8

/** From HELLO to HELLO, as long as a path's own handshake may take. */
export const HELLO_TIMEOUT_MS = 10_000

/** What may come behind a HELLO before the session takes the path: one refill of every buffer below, many times over. */
export const HELLO_HELD_BYTES_MAX = 1024 * 1024

/** PINGs right after a path was added, so that it is measured before it is chosen ... */
export const FIRST_PINGS = 3

/** ... so far apart. */
export const FIRST_PINGS_MS = 100

/** Between PINGs while the application uses the peer: five samples in the window by which paths are compared. */
export const PING_IN_USE_MS = 1_000

/** Between PINGs on the idle sending path: 2 s, and `DEAD_UNANSWERED_MS` for the answer, is `DEAD_QUIET_MS`. */
export const PING_IDLE_MS = 2_000

/** Between PINGs on idle backups: they only have to be alive when needed, and are asked at once when the sending path is suspected. */
export const PING_BACKUP_IDLE_MS = 5_000

/** Unanswered PINGs that are remembered: more than are sent until a path is dead. */
export const PINGS_OUTSTANDING_MAX = 8

/** Answers to PINGs that wait for room on a path: an honest peer has no more unanswered. */
export const PONGS_WAITING_MAX = 8

/** The peer is in use for so long after DATA: a reader's pause. */
export const IN_USE_MS = 10_000

/** Silence under this is never suspicious: a collection of garbage, a busy radio. */
export const SILENCE_MS_MIN = 300

/** Added to srtt + 4 · rttvar: an acknowledgement's delay, and a busy machine's turn. */
export const SILENCE_MARGIN_MS = 100

/** The silence allowed before a path was measured, RFC 6298 §2.1. */
export const SILENCE_UNMEASURED_MS = 1_000

/** Frames come but nothing of ours is answered: the other direction is dead. Longer than a PONG waits behind 320 KiB at 160 kB/s. */
export const ONE_WAY_MS = 2_000

/** A path that carries in one direction only is given up after so long. */
export const ONE_WAY_DEAD_MS = 8_000

/** A path is dead when nothing came for so long ... */
export const DEAD_QUIET_MS = 5_000

/** ... and a PING, or DATA, was unanswered for so long: three times the initial timeout of RFC 6298. */
export const DEAD_UNANSWERED_MS = 3_000

/** Timers that run less late than this are on time. */
export const LATENESS_FORGIVEN_MS = 50

/** No path for so long ends the session: a call by every route takes less, and a person waits no longer. */
export const RECONNECT_TIMEOUT_MS = 30_000

/** `close` waits so long without progress for the peer to have everything. */
export const CLOSE_TIMEOUT_MS = 5_000

/** A path that was retired closes after so long, even if the peer has not acknowledged what went by it. */
export const RETIRE_TIMEOUT_MS = 5_000

/** Samples within so long make a path's round trip, for the choice. */
export const COMPARED_MS = 5_000

/** Samples in that time without which nothing is compared: one less than there are, for one may be under way. */
export const COMPARED_SAMPLES_MIN = 4

/** Samples kept for it: one a second, and the quick ones. */
export const COMPARED_SAMPLES_MAX = 12

/** A rival path must be better for so long without a break. */
export const SUSTAINED_MS = 5_000

/** What a rival must be: under this share of the sending path's round trip ... */
export const BETTER_SHARE = 0.8

/** ... and better by so much, below which nobody notices. */
export const BETTER_MS = 15

/** The direct path is taken back when the relayed one is not under this share any more ... */
export const STILL_BETTER_SHARE = 0.9

/** ... or not better by so much. Half of what it had to be, so that chance does not move it. */
export const STILL_BETTER_MS = 7.5

/** A choice that takes back one made less than so long ago was chance: */
export const DAMPED_MS = 600_000

/** the next one must hold so many times as long ... */
export const DAMPED_FACTOR = 12

/** ... and at most so long. */
export const SUSTAINED_MS_MAX = 300_000

/** After failing once a path must answer for so long before it is chosen again; twice as long each time ... */
export const PROBATION_MS = 2_000

/** ... at most so long ... */
export const PROBATION_MS_MAX = 60_000

/** ... and from the beginning when it was well for so long. */
export const FAILURES_FORGOTTEN_MS = 600_000

/** What a caller may set for one session; both ends must agree on the windows. */
export interface SessionLimits {
  readonly windowBytes: number
  readonly windowBytesMax: number
  readonly waitingBytesMax: number
  readonly unheardBytesMax: number
  readonly pathsMax: number
  readonly reconnectTimeoutMs: number
}

const DEFAULTS: SessionLimits = {
  windowBytes: WINDOW_BYTES,
  windowBytesMax: WINDOW_BYTES_MAX,
  waitingBytesMax: WAITING_BYTES_MAX,
  unheardBytesMax: UNHEARD_BYTES_MAX,
  pathsMax: PATHS_MAX,
  reconnectTimeoutMs: RECONNECT_TIMEOUT_MS,
}

/** Fills in the defaults. A TypeError for an unknown name, a RangeError for anything but a positive integer or for what cannot be. */
export function parseLimits(given: Partial<SessionLimits> = {}): SessionLimits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULTS, name)) throw new TypeError(`limits.${name} is not a limit of a session`)
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`limits.${name} must be a positive integer`)
  }
  const limits = { ...DEFAULTS, ...given }
  if (limits.pathsMax > PATHS_MAX) throw new RangeError(`limits.pathsMax must be at most ${PATHS_MAX}`)
  if (limits.windowBytes > limits.windowBytesMax) throw new RangeError('limits.windowBytes must be at most limits.windowBytesMax')
  return limits
}
