/** What the simulation assumes of the parts that it stands in for; the names are those of the code that has them. */

/** session: a path is dead when nothing came for so long; idle ones are asked every `PING_IDLE_MS`. */
export const DEAD_QUIET_MS = 5_000
export const PING_IDLE_MS = 2_000
/** session: no path for so long ends it, when nobody can say that the peer is gone. */
export const RECONNECT_TIMEOUT_MS = 30_000
/** resilient-swarm: pause between two questions whether a peer is gone, how many times in a row all must say so, whom and how long is asked. */
export const GONE_CHECK_MS = 1_500
export const GONE_CHECKS = 2
export const GONE_ASKED_MAX = 3
export const GONE_ANSWER_MS = 1_500
/** resilient-swarm: how long an attempt takes before it has failed, and how many are under way at once, ours and theirs each. */
export const ATTEMPT_TIMEOUT_MS = 10_000
export const HANDSHAKES_PENDING_MAX = 8
/** resilient-swarm: peers of a node in Node. */
export const NODE_PEERS_MAX = 64
/** resilient-swarm: peers of a node in a page. */
export const BROWSER_PEERS_MAX = 24
/** resilient-swarm: pause before a replication that ended while its peer stayed is begun again. */
export const REPLICATION_RETRY_MS = 1_000
/** multiplexer: the longest message of a substream as a channel. */
export const CHANNEL_MESSAGE_BYTES_MAX = 64 * 1024
/** signal-exchange: an offer or an answer with its first candidates, padded to 1 KiB, and what the seal adds. */
export const SEALED_SIGNAL_BYTES = 1_024 + 128

/** Round trips from an answer to a proven session: ICE, DTLS 1.2 and Noise overlap to about so many. */
export const HANDSHAKE_ROUND_TRIPS = 2.5
/** A lost message comes a retransmission later: SCTP waits at least so long, RFC 9260 with the usual implementations' minimum ... */
export const RETRANSMISSION_MS_MIN = 200
/** ... or so many round trips. */
export const RETRANSMISSION_ROUND_TRIPS = 2
/** resilient-swarm: how long servers have before a signal goes through the swarm as well, and when they are asked again. */
export const SERVER_HEAD_START_MS = 300
export const SERVER_HEAD_START_PATIENT_MS = 1_500
export const SERVER_REPEATS_MS = [700, 2_000, 5_000] as const
/** resilient-swarm: how long the answer to whether a link is needed may take. */
export const RELEASE_ANSWER_MS = 5_000
/** resilient-swarm: how long a call of the application goes on. */
export const CALL_TIMEOUT_MS = 30_000
/** resilient-swarm: links that our record tells of. */
export const LINKS_TOLD_MAX = 64
/** resilient-swarm: pauses before a server is asked again to take a signal, and for how long it is worth it. */
export const RETRY_DELAY_MS_MIN = 15
export const RETRY_DELAY_MS_MAX = 5_000
export const SIGNAL_LIFETIME_MS = 30_000
/** resilient-swarm: rounds through the swarm of signals of the mesh's own dials, and when a server did not have the receiver. */
export const MESH_ROUNDS_MAX = 2
export const MESH_ROUNDS_UNSERVED_MAX = 1
