/** One message on a data channel; every implementation takes it whole, and larger ones block those behind them. */
export const MESSAGE_BYTES_MAX = 16 * 1024

/** Waiting in the data channel before `send` says false: the fastest of 16…1,024 KiB in Chromium, and short enough for a ping. */
export const BUFFERED_BYTES_HIGH = 64 * 1024

/** Where `onDrain` comes: when the buffer ran empty; refilling earlier was slower in Chromium. */
export const BUFFERED_BYTES_LOW = 0

/** A sender that does not stop at `false` loses its channel here; @roamhq/wrtc drops silently and Chromium throws at 16 MiB. */
export const BUFFERED_BYTES_MAX = 4 * 1024 * 1024

/**
 * What node-datachannel holds below its data channels, sent or not; its own 1 MiB is not seen in `bufferedAmount`, and makes a
 * ping wait a second on a link of 1 MB/s. Enough for 6 MB/s at 40 ms. It is set for the whole process.
 */
export const SCTP_SEND_BUFFER_BYTES = 256 * 1024

/** Messages that wait for the first `onMessage`; the layer above assigns it in the same turn as it gets the path. */
export const UNHEARD_BYTES_MAX = 1024 * 1024

/** Between two looks at a full buffer where there is no `bufferedamountlow` event (@roamhq/wrtc). */
export const DRAIN_POLL_MS = 1

/** From the first signal to an open channel: TURN with loss takes seconds, a person gives up after half a minute. */
export const CONNECT_TIMEOUT_MS = 30_000

/** The first signal waits so long for candidates, unless gathering ends before. */
export const FIRST_CANDIDATES_MS = 50

/** Later candidates are collected so long before they go as one signal. */
export const CANDIDATE_BATCH_MS = 100

/**
 * Offers in one attempt. node-datachannel loses one connection in a hundred on one machine, one in ten when that is busy: its
 * ICE connects, and DTLS looks for the peer's fingerprint, before the answer is in its place. Another offer costs milliseconds.
 */
export const OFFERS_MAX = 5

/** `close` waits so long without progress for the peer to confirm that it has everything. */
export const CLOSE_TIMEOUT_MS = 5_000

/** After confirming a peer's close we keep the connection so long, unless the peer ends it before: the confirmation travels. */
export const LINGER_MS = 1_000

/** Between two looks at whether the peer was heard; an idle channel costs one short text each way in that time. */
export const HEARTBEAT_MS = 2_000

/** Unanswered beats after which the peer is gone: 6 to 8 s after its last word, so that all is known within ten. */
export const SILENT_BEATS_MAX = 2

/** A data channel that was closed gets so long to be closed before its connection is, which a peer that is gone never confirms. */
export const RELEASE_TIMEOUT_MS = 250

/** One SDP text; a data-channel description takes 0.4 KiB, a signal at most 8 KiB. */
export const SDP_BYTES_MAX = 8 * 1024

/** One candidate line; browsers write 120 to 220. */
export const CANDIDATE_BYTES_MAX = 512

/** Candidates taken from one peer in one attempt; each makes us send probes to an address of its choice. */
export const REMOTE_CANDIDATES_MAX = 32

/** Candidates of our own told in one attempt; the same number, for the other side keeps no more. */
export const LOCAL_CANDIDATES_MAX = 32

/** New connections in a page, a second and at once: Chrome allows 500 in a tab's life, and each costs its main thread some ms. */
export const PAGE_CONNECTIONS_PER_SECOND = 1
export const PAGE_CONNECTIONS_BURST = 3

/** A connection that only the swarm wishes for lets others go first for so long. */
export const BACKGROUND_PATIENCE_MS = 5_000
