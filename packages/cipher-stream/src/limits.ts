/** From the first byte to a proven key: ten round trips of a bad mobile link, and no longer for who stays silent. */
export const HANDSHAKE_TIMEOUT_MS = 10_000

/** Longest handshake message: the longest of ours has 154 bytes, the rest is room for extensions in its payload. */
export const HANDSHAKE_MESSAGE_BYTES_MAX = 1024

/** Longest record as it travels: data channels of every browser take 16 KiB in one piece. */
export const RECORD_BYTES_MAX = 16 * 1024

/** Records sealed with one key before it is replaced: at most 1 GiB is readable with a key that leaks from memory. */
export const REKEY_AFTER_RECORDS = 2 ** 16

/** Opened bytes that wait for a listener (an `admit` that asks a person, say): as many as a peer may have buffered. */
export const UNHEARD_BYTES_MAX = 4 * 1024 * 1024

/** UTF-8 bytes of the network's name, as in peer records. */
export const NETWORK_BYTES_MAX = 64

/** UTF-8 bytes of a path's kind: a name such as `webrtc`. */
export const KIND_BYTES_MAX = 64

/** Two certificate fingerprints have 64 bytes, two keys and a circuit id 80; the rest is room for other transports. */
export const BINDING_BYTES_MAX = 1024
