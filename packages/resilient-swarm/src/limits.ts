/** The most peers of a node in a page: each costs the browser a connection, and Chrome stops at 500 in a tab's life. */
export const BROWSER_PEERS_MAX = 24
/** The most peers of a node in Node: one thread serves them all, memory is what counts. */
export const NODE_PEERS_MAX = 64
/** Handshakes under way at once, ours and theirs each: bounds what strangers can make us start. */
export const HANDSHAKES_PENDING_MAX = 8
/** Of which one key's: its newest attempt, one before that is ending, and a circuit, so that no single stranger takes every place. */
export const HANDSHAKES_PENDING_PER_KEY_MAX = 3
/** Refusals a second, and at once: half of what a signal server takes from us, or strangers could spend all of it. */
export const REFUSALS_PER_SECOND = 5
export const REFUSALS_BURST = 20
/** How long one attempt (offer, answer, ICE, Noise) may take before the next begins. */
export const ATTEMPT_TIMEOUT_MS = 10_000
/** The latest time that anybody is believed to live in, 2100-01-01: dates beyond it break the arithmetic of records and signals. */
export const TOLD_TIME_MS_MAX = 4_102_444_800_000
/** Peers whose time is remembered, the newest: one that lies does not decide. */
export const TOLD_TIMES_MAX = 15
/** How long a call goes on when its caller says nothing else. */
export const CALL_TIMEOUT_MS = 30_000
/** First pause between two attempts or two deliveries of one signal; doubles each time. A target is often just starting. */
export const RETRY_DELAY_MS_MIN = 15
/** Longest such pause. */
export const RETRY_DELAY_MS_MAX = 5_000
/** How long a sealed signal is valid: longer than an attempt, so that a slow route still counts. */
export const SIGNAL_LIFETIME_MS = 30_000
/** Rounds through the swarm of a signal of the mesh's own dials, which has others to dial as well ... */
export const MESH_ROUNDS_MAX = 2
/** ... and of one whose receiver a signal server did not have: it is most likely gone. */
export const MESH_ROUNDS_UNSERVED_MAX = 1
/** How long a signal that a server took has before it goes through the swarm too: most peers answer sooner, and each copy there costs others bytes. */
export const SERVER_HEAD_START_MS = 300
/** The same for answers and for dials of the mesh, which nobody waits for: longer than an answer takes around the world. */
export const SERVER_HEAD_START_PATIENT_MS = 1_500
/** When an attempt that has heard nothing sends its signals to the servers again, in ms after the first: one may take a signal and lose it. */
export const SIGNAL_REPEATS_MS = [700, 2_000, 5_000] as const
/** Ids of signals that were seen, to drop their copies from other routes; the oldest are forgotten first. */
export const SEEN_SIGNALS_MAX = 4_096
/** Offers a second from one key, and at once: a mesh retries at most every second. */
export const OFFERS_PER_SECOND = 2
export const OFFERS_BURST = 8
/** Circuits a second that one relay brings us, and at once: twice what it lets one peer dial. */
export const INCOMING_PER_SECOND = 4
export const INCOMING_BURST = 16
/** Relays whose rate is remembered: as many as a node has peers. */
export const RELAYS_RATED_MAX = 64
/** Keys whose rate is remembered. */
export const RATED_KEYS_MAX = 1_024
/** Signals that one attempt keeps until its transport listens: an offer or answer and a few batches of candidates. */
export const SIGNALS_WAITING_MAX = 16
/** Attempts whose candidates came before their offer by a faster route. */
export const EARLY_ATTEMPTS_MAX = 32
/** How long `close` may take to say goodbye before it just ends. */
export const CLOSE_TIMEOUT_MS = 800
/** How long `ready` waits for the first signal server. */
export const READY_TIMEOUT_MS = 30_000
/** After how long without any signal server the user is told. */
export const SERVER_WARNING_MS = 3_000
/** A clock off by more makes records expire early or late, so the user is told. */
export const CLOCK_WARNING_MS = 300_000
/** What `why` remembers: notes a peer, and peers. */
export const NOTES_PER_PEER_MAX = 32
export const NOTED_PEERS_MAX = 1_024
/** Bytes of an application's substream type name. */
export const STREAM_TYPE_BYTES_MAX = 64
/** Replications that one peer may begin, a second and at once: each starts a replicator, which costs far more than the open. */
export const REPLICATIONS_PER_SECOND = 1
export const REPLICATIONS_BURST = 4
/** Links that our record tells of: as many as it holds. */
export const LINKS_TOLD_MAX = 64
/** Pause before a replication that ended while its peer stayed is begun again. */
export const REPLICATION_RETRY_MS = 1_000
/** Substreams that a peer may open before its rpc one; it opens its own two at once. */
export const SUBSTREAMS_EARLY_MAX = 8
/** How often a node looks whether its paths to a peer are the ones it wants. */
export const PATHS_INTERVAL_MS = 1_000
/** How long a first direct dial has before circuits are tried beside it: enough in most networks, and little for a person (RFC 8305 §5). */
export const DIRECT_HEAD_START_MS = 250
/** How often a call without a path looks for another relay. */
export const SEEK_RELAY_MS = 500
/** How long a relay may take before others are asked beside it: a circuit takes a few round trips, and a silent relay 10 s. */
export const SEEK_RELAY_PATIENCE_MS = 1_000
/** Circuits of one call under way at once, those included that nobody answers. */
export const CIRCUITS_SOUGHT_MAX = 8
/** Pauses before the next direct dial to a peer that a circuit reaches; from then on the last one. */
export const DIRECT_RETRY_MS = [5_000, 15_000, 60_000, 300_000] as const
/** The same while no path stands: streams wait for it. */
export const DIRECT_URGENT_RETRY_MS = [500, 1_000, 2_000, 4_000] as const
/** How long a direct path may be silent before another is dialled beside it, when there is nothing else. */
export const DIRECT_DEAD_AFTER_MS = 1_000
/** The peer with the smaller key waits so long for the larger one to dial, a circuit and a direct path. */
export const FOLLOWER_PATIENCE_MS = 200
export const FOLLOWER_DIRECT_PATIENCE_MS = 2_000
/** Circuits dialled at the same time: the best two of those predicted, for predictions are old. */
export const CIRCUITS_TRIED_AT_ONCE_MAX = 2
/** A path that stood for less counts as a dial without success, in ms: a peer that takes paths and drops them is not dialled without a pause. */
export const PATH_STOOD_MS = 10_000
/** A circuit is measured so long before it may be let go: twice what the session looks back to choose. */
export const VERIFY_CIRCUIT_MS = 10_000
/** A relay that was not needed after all is not tried again for so long. */
export const RELAY_REST_MS = 60_000
/** First and longest pause before a relay that could not be used is asked again. */
export const RELAY_RETRY_MS_MIN = 1_000
export const RELAY_RETRY_MS_MAX = 60_000
/** Pause between two questions whether a peer without a path is still there, and how many times in a row all must say no. */
export const GONE_CHECK_MS = 1_500
export const GONE_CHECKS = 2
/** Neighbours asked for it, and how long their answers may take. */
export const GONE_ASKED_MAX = 3
export const GONE_ANSWER_MS = 1_500
/** How long the answer to whether a link is needed may take. */
export const RELEASE_ANSWER_MS = 5_000
/** How long one that is given up for somebody else may take to confirm the end, in ms: the other is connected in a moment. */
export const MADE_ROOM_GOODBYE_MS = 500
/** A link that both ends agreed to end carries nothing new for so long; it mostly ends within a round trip. */
export const LETTING_GO_MS = 10_000
/** Relays asked for a target that no record links them to: the table may be behind. */
export const RELAYS_GUESSED_MAX = 2
/** How long the session of a peer's older instance may take to say goodbye, in ms: there is one more each time that the peer comes back. */
export const REPLACED_GOODBYE_MS = 1_000
/** How long `close` lets those whom we relay find another way. */
export const RELAY_DRAIN_MS = 400
/** Relays whose successes and failures a path keeper remembers: as many as a node has peers. */
export const RELAYS_REMEMBERED_MAX = 64
/** A direct path faster than this cannot be beaten by the 15 ms that a circuit must be better by. */
export const RELAY_WORTH_MS_MIN = 15
/** How long paths that were aborted may take to tell their peers before they are cut. */
export const ABORT_FLUSH_MS = 100
/** Servers and doors that a node remembers for when it has nobody: as many as a signal exchange can be at. */
export const DOORS_MAX = 16
/** Of which it was never at: what peers told of, so that they cannot crowd out those that worked. */
export const DOORS_UNPROVEN_MAX = 8
/** Peers that were connected and are looked for again, the newest: as many as a node in Node has. */
export const MET_MAX = 64
/** Of which are looked for at one door: one question there. */
export const MET_SOUGHT_MAX = 32
/** Of those who are there, called at once; the first one who answers brings all others. */
export const MET_CALLED_MAX = 3
/** How often a node looks whether it needs a door. */
export const DOORS_INTERVAL_MS = 500
/** How long somebody is missing before their door is tried, in ms: a session often comes back by itself, and so does the mesh. */
export const DOOR_PATIENCE_MS = 3_000
/** First and longest pause before a door is tried again. */
export const DOOR_RETRY_MS_MIN = 2_000
export const DOOR_RETRY_MS_MAX = 300_000
/** Failures after which the door of one missing peer is let be, while there are others; half an hour has passed by then. */
export const DOOR_FAILURES_MAX = 12
/** How long a node that has nobody stays at a door where it found nobody: others may be on their way there. */
export const DOOR_LINGER_MS = 15_000
/** Newcomers at its own exchange whom a node calls because they seek somebody who is not there, a second and at once: each costs a handshake. */
export const GREETINGS_PER_SECOND = 1
export const GREETINGS_BURST = 8
/** Of which under way: half of the places for handshakes, so that strangers at the door never take all. */
export const GREETINGS_AT_ONCE_MAX = 4
/** How long a newcomer who was called is not called again, in ms: longer than that call. At the rate above 23 are remembered. */
export const GREETING_REST_MS = 15_000
/** What is remembered is written at most this often. */
export const MEMORY_INTERVAL_MS = 1_000
/** Bytes of the file with what is remembered: 16 doors and 64 keys take 9 KiB. */
export const MEMORY_BYTES_MAX = 65_536
/** Databases that one swarm shares: each is a substream with every peer, of which a peer has 32. */
export const SHARED_DATABASES_MAX = 16
/** Substreams of shared databases that a peer may open at once, and per second after that: every name twice, then what a retry needs. */
export const SHARES_OPENED_BURST = 32
export const SHARES_OPENED_PER_SECOND = 1
/** Keys that a database may be shared with by a list: each is looked at every few seconds. */
export const SHARERS_LISTED_MAX = 1_024
/** Links that are kept for one database: among thousands who each keep eight, chosen by chance, documents reach everybody. */
export const SHARERS_KEPT_MAX = 8
/** One in so many peers at the most is kept for shared databases together; the others are the mesh's and the application's. */
export const SHARERS_KEPT_SHARE = 2
/** Listed peers called at the same time for one database: each call is a few handshakes and asks the servers. */
export const SHARERS_CALLED_AT_ONCE_MAX = 2
/** How often it is looked whether a listed peer should be called. */
export const SHARERS_INTERVAL_MS = 2_000
/** First and longest pause before a listed peer is called again that was not reached, or did not share. */
export const SHARER_RETRY_MS_MIN = 2_000
export const SHARER_RETRY_MS_MAX = 300_000
/** How often `peers` is asked again when it is a function: a friend who was dropped reads on no longer than this. */
export const SHARERS_REVIEW_MS = 30_000
/** First and longest pause before a peer is asked again whether it shares a database: it says so itself when it begins to. */
export const SHARE_RETRY_MS_MIN = 1_000
export const SHARE_RETRY_MS_MAX = 60_000
