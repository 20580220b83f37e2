/** Every bound of the mesh and of signals through it, with its unit and its reason. */

/** Hands that one copy of a signal may still go through: the longest way between two nodes of a swarm with few links each. */
export const SIGNAL_TTL_MAX = 16
/** A first hop must not see from the ttl that it is the first: a copy begins with up to so many less. */
export const SIGNAL_TTL_BLUR = 4
/** Characters of a key's text behind `rs1` that name a hop: 65 bits, so nobody grinds a key that goes by another's name. */
export const HOP_NAME_CHARS = 13
/** Neighbours that one node tries for one copy: the one of the route and two others. */
export const HOP_TRIES_MAX = 3
/** How long a neighbour may take to say that it took a signal: this and two round trips, within these bounds, in ms. */
export const HOP_PATIENCE_MS = 80
export const HOP_TIMEOUT_MS_MIN = 150
export const HOP_TIMEOUT_MS_MAX = 800
/** The same for a neighbour whose round trip is not known. */
export const HOP_TIMEOUT_MS_DEFAULT = 500
/** A neighbour that did not answer is asked last for so long, in ms: it is most likely gone, and others can go on. */
export const SILENT_REST_MS = 5_000
/** Signals that we take from one neighbour, a second and at once. */
export const FORWARDS_PER_SECOND = 20
export const FORWARDS_BURST = 40
/** Of others' signals we hand so many to one neighbour: fewer than it takes from us, so that our own always pass. */
export const FORWARDS_OUT_PER_SECOND = 15
export const FORWARDS_OUT_BURST = 30
/** Signals of one neighbour that we hold to try another way: 32 of 11 KiB each bound what it can make us keep. */
export const FORWARDS_HELD_PER_NEIGHBOUR_MAX = 32
/** How long a signal that was handed on is held for another try, in ms: by then its source repeats it anyway. */
export const FORWARD_HELD_MS = 1_500
/** How long and how many copies are remembered, for what they bring back and to hand none on twice: 24 neighbours at their full rate. */
export const CUSTODY_MS = 10_000
export const CUSTODIES_MAX = 8_192
/** Neighbours whose rate is remembered: more than a node has, so that nobody gets a fresh one by coming back. */
export const FORWARDERS_RATED_MAX = 256
/** When a source sends a signal that nobody acknowledged, in ms after the first time: one round each, by other routes. */
export const SIGNAL_ROUNDS_MS = [0, 700, 2_000, 5_000] as const
/** How long after the last round a source still listens for the acknowledgement. */
export const SIGNAL_LAST_WAIT_MS = 2_000
/** Copies of one round: one lost is no loss, and the second goes only when the first is late. */
export const SIGNAL_COPIES_MAX = 2
/** The second copy waits for one and a half round trips of the first one's route, within these bounds, in ms. */
export const SECOND_COPY_MS_MIN = 150
export const SECOND_COPY_MS_MAX = 500
/** First pause before a signal that no neighbour took is offered again, in ms; doubles until the second round. A target is often just starting. */
export const NOT_TAKEN_RETRY_MS = 25
/** Signals of our own under way at once: eight handshakes have fewer. */
export const CARRIED_MAX = 128
/** Nodes that a search for one route looks at: a swarm of 1,000 needs about 300. */
export const ROUTE_NODES_MAX = 4_096
/** What each hop of a route costs beside its round trip, in ms: every hop may be gone. */
export const ROUTE_HOP_COST_MS = 30
/** What a link costs that only one of its ends tells of, in ms: whoever claims links to everybody is no shortcut. */
export const ROUTE_CLAIMED_COST_MS = 150
/** The round trip of a link that nobody measured, in ms. */
export const ROUTE_RTT_MS_DEFAULT = 100
/** First and longest pause before the mesh tries a peer again that could not be reached. */
export const MESH_RETRY_MS_MIN = 1_000
export const MESH_RETRY_MS_MAX = 60_000
/** Who was connected for less counts as not reached, in ms: a peer that takes calls and leaves is not called without a pause. */
export const MESH_STAYED_MS = 10_000
/** The smaller key waits this long for the larger one to call before it calls itself. */
export const MESH_PATIENCE_MS = 4_000
/** How often the mesh looks whether somebody is missing. */
export const MESH_INTERVAL_MS = 1_000
