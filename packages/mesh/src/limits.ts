/** Every bound of the mesh and of signals through it, with its unit and its reason. */

/** Hands that one copy of a signal may still go through: the longest way between two nodes of a swarm with few links each. */
export const SIGNAL_TTL_MAX = 16
/** Hands beyond those of the suggested route, for a way round what is gone. */
export const SIGNAL_TTL_SPARE = 4
/** A first hop must not see from the ttl that it is the first: a copy begins with up to so many more. */
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
/**
 * Links that a search for one route looks at. In a swarm of 1,000 one that finds needs about 3,000; one that cannot would look at
 * all, and a neighbour can have us begin it 20 times a second: so many take some milliseconds.
 */
export const ROUTE_LINKS_MAX = 8_192
/** The same for one whose record tells of no links, or of whom there is none: two layers around us. */
export const ROUTE_LINKS_STRANGER_MAX = 1_024
/** A signal for which we found no way counts as so many of its neighbour's: a search in vain costs far more than one that finds. */
export const NO_ROUTE_SIGNALS = 4
/** What each hop of a route costs beside its round trip, in ms: every hop may be gone. */
export const ROUTE_HOP_COST_MS = 30
/** What a link costs that only one of its ends tells of, in ms: whoever claims links to everybody is no shortcut. */
export const ROUTE_CLAIMED_COST_MS = 150
/** The round trip of a link that nobody measured, in ms. */
export const ROUTE_RTT_MS_DEFAULT = 100
/** A swarm of so many nodes or fewer is a full mesh: everybody is one hop away, and so few links cost little. */
export const FULL_MESH_NODES_MAX = 12
/** Above so many the mesh is partial. In between it stays what it was, so that nodes coming and going change nothing. */
export const PARTIAL_ABOVE_NODES = 16
/** Links that a node of a partial mesh keeps for each reason: twelve in all, for a graph that holds when half of it dies. */
export const RANDOM_LINKS = 5
export const NEAR_LINKS = 3
export const HELPFUL_LINKS = 3
export const SUCCESSOR_LINKS = 1
/** Random links that nobody but this node's own chance may choose: whoever calls us from everywhere cannot surround us. */
export const OWN_LINKS_MIN = 2
/** One in so many links at the most is kept free for them. */
export const RESERVED_SHARE = 4
/** With more links than this, those that the other end keeps anyway serve our purposes before those that nobody else needs. */
export const CROWDED_ABOVE_LINKS = 16
/** Nodes known to the mesh: as many as the table holds. */
export const KNOWN_MAX = 4_096
/** Next keys of the ring that may be the successor while those before them cannot be reached. */
export const SUCCESSORS_TRIED_MAX = 4
/** Draws for one random link: most are taken, dead or resting only in a swarm that is small or broken, and a second later there are new ones. */
export const DRAWS_MAX = 24
/** Neighbours whose links are read for suggestions, the nearest: twice the links that a node keeps. */
export const SUGGESTERS_MAX = 24
/** Dials under way at once that were just begun. */
export const DIALS_AT_ONCE_MAX = 3
/** A dial without an answer for so long, in ms, no longer holds up the next: whoever is there mostly answers within two. */
export const DIAL_PATIENCE_MS = 1_500
/** How long the mesh's call may take: an attempt and a half, or less while almost every link is lost, for then most records are of the dead. */
export const DIAL_TIMEOUT_MS = 10_000
export const URGENT_DIAL_TIMEOUT_MS = 4_000
/** With fewer links than this a node is nearly alone: all its dials are urgent. */
export const URGENT_BELOW_LINKS = 3
/** Failures with one node after which it is dialled no more until a newer record of it comes, while others are reached. */
export const FAILURES_FORGOTTEN = 2
/** Failures in a row after which dialling slows down, and by how many more the pause doubles: one in ten alive is found long before. */
export const FAILURES_FREE_MAX = 64
export const FAILURES_DOUBLING = 16
/** Longest pause between two dials when nobody answers, in ms. */
export const DIAL_PAUSE_MS_MAX = 30_000
/** Failures remembered, those of the longest ago are forgotten first. */
export const FAILURES_REMEMBERED_MAX = 1_024
/** A record that came within this time tells that its node lives: it is dialled first when the last ones did not answer. */
export const HEARD_MS = 60_000
/** Nodes whose records came last. */
export const HEARD_MAX = 64
/** A link that neither the mesh nor the application needs is let go after so long, in ms: whoever called once often calls again. */
export const IDLE_LINK_MS = 60_000
/** A link is ended for somebody else's sake so often at the most, in ms: whoever loses one takes up another. */
export const MAKE_ROOM_MS = 5_000
/** How long the other end's wish to keep a link holds before it is asked again. */
export const WANTED_BY_THEM_MS = 300_000
/** A link that both let go is not taken up again for so long by chance. */
export const RELEASED_REST_MS = 60_000
/** A link whose end we agreed to is not counted on for so long, in ms: the other side ends it in a moment. */
export const LETTING_GO_MS = 10_000
/** A suggested node is dialled when it promises a round trip shorter by this share and by so many ms than the farthest near link. */
export const NEARER_SHARE_MIN = 0.3
export const NEARER_MS_MIN = 5
/** A near link keeps its place unless another is nearer by this share: measurements tremble. */
export const NEAR_STICKINESS = 0.2
/** First and longest pause before the mesh tries a peer again that could not be reached. */
export const MESH_RETRY_MS_MIN = 1_000
export const MESH_RETRY_MS_MAX = 60_000
/** Who was connected for less counts as not reached, in ms: a peer that takes calls and leaves is not called without a pause. */
export const MESH_STAYED_MS = 10_000
/** The smaller key waits this long for the larger one to call before it calls itself, in a full mesh. */
export const MESH_PATIENCE_MS = 4_000
/** How soon the mesh looks again while links are missing, and when all is well. */
export const MESH_INTERVAL_MS = 1_000
export const MESH_REVIEW_MS = 15_000
/** How often the mesh looks for a nearer link, in ms: each costs a connection and the end of another. */
export const MESH_IMPROVE_MS = 30_000
/** Known nodes looked up at each review whether their records still stand: a table of a thousand is gone through in a few minutes. */
export const SWEPT_AT_ONCE = 64
/** How often the round trips in our record are compared with those measured, and by how much they may differ. */
export const LINKS_REVIEW_MS = 5_000
export const LINK_RTT_CHANGE_MIN = 0.25
export const LINK_RTT_CHANGE_MS_MIN = 5
