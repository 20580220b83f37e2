/** Every bound of the peer table, with its unit and its reason. */

/** Holds 64 links, 512 bytes of info and a long network name with room to spare. */
export const RECORD_BYTES_MAX = 4096
/** What an application may say about itself; enough for a name and a few features, too little to be a data channel. */
export const INFO_BYTES_MAX = 512
/** Levels of nesting in `info`, so that no reader of it recurses far. */
export const INFO_DEPTH_MAX = 8
/** Servers that a record names: a door by each of two families of addresses, and by a name. */
export const SERVERS_MAX = 3
/** Bytes of one server's URL: a long host name and a short path. */
export const SERVER_URL_BYTES_MAX = 128
/** As many neighbours as a Node peer may have. */
export const LINKS_MAX = 64
/** A round trip is told in tenths of a millisecond; beyond 6.5 s it says nothing more. */
export const LINK_RTT_MS_MAX = 6553.5
/** A network is named by people. */
export const NETWORK_BYTES_MAX = 64
/** The largest integer that every JavaScript reader agrees on; PouchDB keeps it as a number. */
export const SEQ_MAX = Number.MAX_SAFE_INTEGER

/** How long a record stands without being published again, in a small swarm. */
export const RECORD_LIFETIME_MS = 15 * 60_000
/** From here on it stands longer, by the cube root of the swarm's size: an hour at a thousand, 95 minutes with a full table. */
export const LIFETIME_GROWS_ABOVE_RECORDS = 16
/** Up to here everybody hears of every change at once; full meshes end here. */
export const SMALL_SWARM_RECORDS = 16
/** We publish again when this part of the lifetime is over: two more chances before it ends. */
export const REPUBLISH_AFTER_FRACTION = 0.6
/** No record speaks for longer than a day, and no record is remembered for longer after it was made. */
export const FORGET_AFTER_MS = 24 * 3_600_000
/** Clocks of honest nodes differ; a node warns itself beyond the same five minutes. */
export const CLOCK_SKEW_MS = 5 * 60_000
/** A record that only changes gets on the wire once in this time. */
export const PUBLISH_INTERVAL_MS = 30_000
/** Publishes that need not wait, so that a joining node's first links are known at once. */
export const PUBLISH_BURST = 6
/** Changes of one moment (three peers in one tick) become one record. */
export const PUBLISH_GATHER_MS = 20
/** The first links of a node that joins a large swarm become one record: most of them stand by then, so a second one is not due. */
export const FIRST_LINKS_GATHER_MS = 4000
/** Sweeps look for what expired; a record is never missed by more than this. */
export const SWEEP_INTERVAL_MS = 60_000

/** About 6 MiB of memory when every record has its usual 600 bytes. */
export const TABLE_RECORDS_MAX = 4096
/** What one peer can fill of the table with keys that it made up. */
export const INTRODUCED_RECORDS_MAX = 256
/** A fifth of one core where a check takes a millisecond. */
export const VERIFIES_PER_SECOND = 200
/** A whole swarm of a thousand is learned at once when joining; the rate holds after that. */
export const VERIFIES_BURST = 1024
/** Checks in a row take this long before other work gets its turn: half of a screen's frame. */
export const VERIFY_TURN_MS = 8
/** And are no more than this, where the clock tells no time: a batch from each of two peers. */
export const VERIFIES_PER_TURN = 128
/** Peers whose checks begin together when a turn does: under 20 ms where one takes two. */
export const VERIFIES_AT_ONCE = 8
/** Documents looked at in a row before other work gets its turn: under 20 ms of reading when all are as large as can be. */
export const DOCUMENTS_PER_TURN = 256
/** Changes of one author that are taken at once: four times what an honest one makes in a burst, for one that restarts a lot. */
export const AUTHOR_CHANGES_BURST = 24
/** One in 5 s after that, where an honest author makes one in 30: nobody can keep a whole swarm busy with its own record. */
export const AUTHOR_CHANGES_PER_SECOND = 0.2
/** An honest peer checked what it hands on, so one forged record is one too many; the rest is room for our own faults. */
export const FORGED_RECORDS_MAX = 32

/** Ancestors written with each revision, so that a few lost writes never part a document's tree. */
export const ANCESTRY_LENGTH = 8
/** PouchDB's work grows with a gap: 256 take 10 ms, 4,000 take 90 ms and more. Beyond it the store is written anew. */
export const ANCESTRY_BRIDGE_MAX = 256
/** Documents that outlived their record, before the store is written anew: PouchDB cannot take a document out. */
export const STALE_DOCUMENTS_MAX = 1024
/** Writing the store anew costs up to a second with a full table, so it happens at most this often. */
export const REWRITE_INTERVAL_MS = 60_000
/** Databases of earlier lives that are read, the newest: there is more than one only when a life ended while it wrote. */
export const DATABASES_SALVAGED_MAX = 4
/** How long reading one of them may take, in ms: a full table takes a second on a slow disk. */
export const SALVAGE_TIMEOUT_MS = 30_000
/** Documents that the process that reads them hands over at once. */
export const SALVAGE_BATCH = 64
/** Characters of one value in a stored database that are looked at: a document with the largest record has 5,600. */
export const STORED_VALUE_CHARS_MAX = 8192
/** Revisions in one write to the database, ancestors included: PouchDB merges them in one go, about 20 ms for so many. */
export const WRITE_REVISIONS_MAX = 512

/** Changes that may be under way to a peer that has not said it is done with them. */
export const FEED_CHANGES_MAX = 256
/** And their bytes: a quarter of a substream's first credit. */
export const FEED_BYTES_MAX = 64 * 1024
/** Documents in one replicated batch; PouchDB holds a batch in memory. */
export const BATCH_DOCUMENTS = 64
/** Names in one `bulkGet`: what one batch can miss. */
export const BULK_GET_NAMES_MAX = 64
/** Unanswered `bulkGet`s a peer may have: its replicator makes one at a time. */
export const BULK_GETS_MAX = 4
/** A peer that does not answer a request within this is gone, or wishes that we believed so. */
export const REQUEST_TIMEOUT_MS = 30_000
/** Buckets of a digest: 2 KiB, which a node of the largest table sends once for each new link. */
export const DIGEST_BUCKETS_MAX = 512
/** Records in a bucket: one that differs costs eight rows of a dozen bytes, and a bucket costs four. */
export const DIGEST_RECORDS_PER_BUCKET = 8
/** What a peer told us lately, so that it need not be told back: as much as may be under way. */
export const HEARD_MAX = 256
/** New records go out by name, gathered over this time, where the peer has them from elsewhere as a rule. */
export const GATHER_MS = 400
/** From here on it is longer, by the square root of the swarm's size: 1.8 s at a thousand. */
export const GATHER_GROWS_ABOVE_RECORDS = 50
/** Records pushed one by one over a link, a second; when more come at once, as when a crowd joins, they share messages. */
export const PUSHES_PER_SECOND = 8
/** And in one go: more than a node says of itself in its first minute. */
export const PUSHES_BURST = 16
/** How long `done` may wait, in ms, for only the room for more hangs on it ... */
export const DONE_PATIENCE_MS = 15_000
/** ... unless so many changes came since the last one: a quarter of what may be under way ... */
export const UNDONE_CHANGES_MAX = 64
/** ... or so many bytes of them. */
export const UNDONE_BYTES_MAX = 16 * 1024
/** Links that stay eager whatever comes over them twice: one may die without a gap. */
export const EAGER_LINKS_MIN = 2
/** A link is asked to change its pace at most once in this time, whatever the peer makes of it. */
export const PACE_INTERVAL_MS = 2000
/** Reading one whole table may keep the next from beginning for this long; after it they overlap. */
export const READING_TURN_MS = 1000
/** With fewer records than this of our own we take documents along with the first changes instead of asking one by one. */
export const FULL_FEED_BELOW_RECORDS = 16
/** PouchDB keeps every refusal of a run; after this many the run starts anew from its checkpoint. */
export const RUN_REFUSALS_MAX = 256
/** A run that failed on our side starts anew after this, doubled each time. */
export const RUN_RETRY_MS = 500
/** Failures in a row after which the replication ends with the error. */
export const RUN_RETRIES_MAX = 5
/** Remembered places in peers' feeds. */
export const CHECKPOINTS_MAX = 1024
/** `close` waits this long for the peers to take the record that says we left. */
export const FAREWELL_MS = 300
