/** Bytes of one chat line without its newline: a paragraph, and all that a peer who never ends a line makes us hold. */
export const CHAT_LINE_BYTES_MAX = 2_048
/** Lines handed to one peer that it has not taken yet; further ones do not reach it. */
export const CHAT_LINES_WAITING_MAX = 32
/** Lines read from one peer in a row before reading pauses; its credit then holds it back. */
export const CHAT_BURST_LINES = 20
/** That pause, in ms: with the burst, 40 lines a second is as fast as anybody reads. */
export const CHAT_BURST_PAUSE_MS = 500
/** Chat substreams served to one peer at once: it needs one, and a second while it replaces the first. */
export const CHAT_SUBSTREAMS_MAX = 2
/** Lines on the page; the oldest go first. */
export const CHAT_LINES_SHOWN_MAX = 200
/** Rows of the table on the page: the table itself may hold thousands, a page of them helps nobody. */
export const RECORDS_SHOWN_MAX = 100
/** Notes of `why` in a list, the newest, equal ones counted as one: more is a log, not an answer. */
export const NOTES_SHOWN_MAX = 20
/** Time between two looks at round trips, records and servers, in ms. */
export const REFRESH_MS = 1_000
/** Bytes of a seed: an Ed25519 secret key (RFC 8032 §5.1.5). */
export const SEED_BYTES = 32
