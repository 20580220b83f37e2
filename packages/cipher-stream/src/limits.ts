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

/** Bytes being sealed beside the thread at which `send` says false: four records keep a core busy, and a ping waits for no more. */
export const SEALING_BYTES_HIGH = 64 * 1024

/** Bytes being sealed at which `onDrain` may come: two records are still there while the sender is woken. */
export const SEALING_BYTES_LOW = 32 * 1024

/** Bytes being sealed at which a sender that ignores `false` gets a RangeError instead of the machine's memory. */
export const SEALING_BYTES_MAX = 4 * 1024 * 1024

/** Bytes being opened beside the thread: twice what a peer may have buffered, so only one that ignores its credit gets here. */
export const OPENING_BYTES_MAX = 8 * 1024 * 1024

/** UTF-8 bytes of the network's name, as in peer records. */
export const NETWORK_BYTES_MAX = 64

/** UTF-8 bytes of a path's kind: a name such as `webrtc`. */
export const KIND_BYTES_MAX = 64

/** Two certificate fingerprints have 64 bytes, two keys and a circuit id 80; the rest is room for other transports. */
export const BINDING_BYTES_MAX = 1024
