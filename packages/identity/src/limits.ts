/** Larger than any record or login we sign (4 KiB), small enough that a flood of them is cheap to refuse. */
export const ENVELOPE_PAYLOAD_BYTES_MAX = 64 * 1024

/** Noise §3: no message is longer, so that a length always fits two bytes. */
export const NOISE_MESSAGE_BYTES_MAX = 65_535

/** Public keys whose check and X25519 form are remembered, the oldest forgotten first: every peer of a node, and who calls it. */
export const REMEMBERED_KEYS_MAX = 256

/** A message from here on is sealed beside the thread where the platform can: shorter ones are done before the answer could come. */
export const LONG_MESSAGE_BYTES_MIN = 4 * 1024
