import { BOX_OVERHEAD_BYTES } from '@resilient-swarm/identity'

/** Bytes of one frame: the largest sealed signal as base64url with its envelope needs 11.3 KiB; both sides refuse more. */
export const SIGNAL_FRAME_BYTES_MAX = 16 * 1024
/** Sizes that a sealed signal's content is padded to, in bytes: a server learns one of four sizes, not a length. */
export const CONTENT_SIZES_BYTES = [1024, 2048, 4096, 8192] as const
/** Bytes of the largest box: content, and what Noise X and the sender's key add. */
export const BOX_BYTES_MAX = 8192 + BOX_OVERHEAD_BYTES
/** Bytes of a signal's or an attempt's id; random, so that nobody needs to hand them out. */
export const SIGNAL_ID_BYTES = 16
/** Bytes of a server's nonce: two challenges never share one. */
export const NONCE_BYTES = 32
/** Characters of a server's URL: longer ones are mistakes. */
export const ORIGIN_CHARS_MAX = 256
/** Keys asked for in one lookup: 32 key texts are 2 KiB. */
export const LOOKUP_KEYS_MAX = 32
/** Keys in one call of `lookup`, which asks in as many frames as it takes: half of a server's burst. */
export const LOOKUP_CALL_KEYS_MAX = 25 * LOOKUP_KEYS_MAX

/** Time from dialling to being registered, in ms; the server gives as long for the login alone. */
export const LOGIN_TIMEOUT_MS = 10_000
/** How far the time that a login signs may be from the server's, in ms: the challenge told it a moment ago. */
export const LOGIN_TIME_SKEW_MS = 60_000
/** Silence after which a connection is tried with an empty lookup, in ms: a dead one looks just like a quiet one. */
export const KEEPALIVE_MS = 15_000
/** How long a server may take to answer a frame, in ms. */
export const REPLY_TIMEOUT_MS = 5_000
/** How long a send or a lookup waits for the first registration, in ms: longer than a restart of a server takes. */
export const REGISTRATION_WAIT_MS = 5_000
/** Since the exchange began, how long a send that found nobody still waits for servers that are being dialled, in ms. */
export const FIRST_DIAL_GRACE_MS = 1_000

/** First pause before dialling again, in ms; it doubles with each failure. */
export const RECONNECT_MS_MIN = 200
/** Longest pause, in ms: a server that came back is found within half a minute. */
export const RECONNECT_MS_MAX = 30_000
/** A registration that lasted so long, in ms, forgets the failures before it. */
export const RECONNECT_STABLE_MS = 10_000

/** Servers of one exchange: each costs a socket, and beyond a few they add nothing. */
export const SERVERS_MAX = 16
/** Frames of ours that wait for one server's answer: more than its burst of sends would be refused anyway. */
export const REPLIES_PENDING_MAX = 64
/** Boxes remembered to drop their copies from other servers: minutes of a server's full rate, 32 bytes each. */
export const SEEN_BOXES_MAX = 4096
/** Signals taken from one server, a second and at once: opening one costs half a millisecond, so a flood costs a tenth of a core. */
export const SIGNALS_IN_RATE = { perSecond: 200, burst: 400 } as const

/** Characters of an SDP: one data-channel section is about 500, candidates inside it 100 each. */
export const SDP_CHARS_MAX = 6_144
/** Candidates in one signal. */
export const CANDIDATES_MAX = 32
/** Characters of one candidate line: the longest real ones have about 250. */
export const CANDIDATE_CHARS_MAX = 512
/** Characters of an SDP section's name. */
export const SDP_MID_CHARS_MAX = 64
/** SDP sections that a candidate can name: ours have one. */
export const SDP_SECTIONS_MAX = 16
/** Refusal codes are 16 bits. */
export const REFUSE_CODE_MAX = 0xffff
/** How far ahead a signal may expire, in ms: two clocks wrong by the 5 minutes that are warned about. */
export const SIGNAL_LIFETIME_MS_MAX = 600_000
/** Bytes of a network's name: it is part of every prologue. */
export const NETWORK_BYTES_MAX = 64
