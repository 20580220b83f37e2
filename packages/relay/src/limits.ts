/** Longest message of a circuit, in bytes: a full record of the cipher. */
export const MESSAGE_BYTES_MAX = 16 * 1024

/** Longest payload of any other frame, in bytes: INCOMING with a key, an id and three varints of eight bytes. */
export const CONTROL_BYTES_MAX = 72

/** Bytes of a circuit's id: random, so that two circuits never share a binding. */
export const CIRCUIT_ID_BYTES = 16

/** Time from a substream's opening to its first whole frame, in ms: who opens one has its frame ready. */
export const FIRST_FRAME_TIMEOUT_MS = 10_000

/** Substreams of one peer that wait for their first frame: more than it has circuits to dial at once. */
export const FIRST_FRAMES_PENDING_MAX = 8

/** How long a relay waits for the target's answer, in ms: less than who dials waits, so that the refusal still arrives. */
export const TARGET_TIMEOUT_MS = 8_000

/** How long who dials waits for the relay's answer, in ms. */
export const DIAL_TIMEOUT_MS = 10_000

/** CONNECTs of one peer a second: each makes us wake another peer. */
export const CONNECTS_PER_SECOND = 2

/** CONNECTs of one peer at once beyond that rate: a node that joins dials a screenful of peers. */
export const CONNECTS_BURST = 16

/** Peers whose CONNECT rate is remembered: more than any node is connected to. */
export const RATED_PEERS_MAX = 256

/** Circuits of our own, dialled and built to us together, those being dialled included: one for each peer a node may have. */
export const OWN_CIRCUITS_MAX = 64

/** How long a closing end waits for the other's CLOSE, and a leg for its end, in ms, beside what the rate makes it wait. */
export const CLOSE_TIMEOUT_MS = 10_000

/** ... and with that: a relay that announces next to no rate must not keep the places of circuits that were closed. */
export const CLOSE_TIMEOUT_MS_MAX = 30_000

/** Bytes that may lie before a CLOSE at worst: two substreams' first windows and what their writers queue. */
export const UNDER_WAY_BYTES_MAX = 1024 * 1024

/** Part of its time after which a circuit in use is renewed: what is left is time for answers and second tries. */
export const RENEW_AT_PART = 0.8

/** Part of its time after which the relay announces the end of a circuit that was not renewed. */
export const DRAIN_AT_PART = 0.9

/** How long circuits go on after `drain` announced that we leave, in ms: a session has found another path by then. */
export const DRAIN_GRACE_MS = 5_000

/** How long `close` waits for the other ends of our own circuits, in ms; what is not confirmed by then is aborted. */
export const CLOSE_ALL_TIMEOUT_MS = 1_000

/** Shortest and longest time of a circuit, in ms: nobody makes us renew all the time, and timers stay in their range. */
export const DURATION_MS_MIN = 1_000
export const DURATION_MS_MAX = 24 * 60 * 60 * 1_000

/** The most bytes that are forwarded in one go: quotas are kept to within so many. */
export const FORWARD_BYTES_MAX = 16 * 1024

/** Held chunks shorter than this are joined, in bytes: a view of one byte would keep the whole message alive that it came in. */
export const JOIN_BYTES = 8 * 1024

/** What a node that forwards for others allows them. */
export interface RelayLimits {
  readonly circuitsMax: number
  readonly circuitsPerPeerMax: number
  readonly circuitsPerTargetMax: number
  readonly bytesPerSecondMax: number
  readonly burstBytesMax: number
  readonly circuitDurationMsMax: number
}

/** What a node that forwards for others allows them, unless told otherwise. */
export const RELAY_LIMITS: RelayLimits = Object.freeze({
  /** Circuits through us at once, those being built included: at their full rate they are 32 MiB/s, what a good line carries. */
  circuitsMax: 32,
  /** Of these, dialled by one peer: it needs one for each peer that it cannot reach, and there are other relays. */
  circuitsPerPeerMax: 4,
  /** Of these, to one peer: two peers' worth, so that no single one can take all the places towards another. */
  circuitsPerTargetMax: 8,
  /** Bytes a second of one circuit in each direction: a video call fits, a mirror does not. `Infinity` sets no limit. */
  bytesPerSecondMax: 1024 * 1024,
  /** Bytes that one circuit may send at once beyond the rate, in each direction: eight full records, so talk is never delayed. */
  burstBytesMax: 128 * 1024,
  /** Milliseconds until a circuit has to be renewed: who forgot about it frees its place within this time. */
  circuitDurationMsMax: 600_000,
})

/** Fills in the defaults. A TypeError for an unknown name, a RangeError for a number that makes no sense. */
export function parseRelayLimits(given: Partial<RelayLimits> = {}): RelayLimits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(RELAY_LIMITS, name)) throw new TypeError(`limits.${name} is not a limit of the relay`)
    const mayBeEndless = name === 'bytesPerSecondMax' && value === Number.POSITIVE_INFINITY
    if (!mayBeEndless && (!Number.isSafeInteger(value) || value < 1)) {
      throw new RangeError(`limits.${name} must be a positive integer`)
    }
  }
  const { circuitDurationMsMax = RELAY_LIMITS.circuitDurationMsMax } = given
  if (circuitDurationMsMax < DURATION_MS_MIN || circuitDurationMsMax > DURATION_MS_MAX) {
    throw new RangeError(`limits.circuitDurationMsMax must be from ${DURATION_MS_MIN} to ${DURATION_MS_MAX}`)
  }
  return { ...RELAY_LIMITS, ...given }
}
