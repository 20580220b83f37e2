/** Every bound of sharing a database, with its unit and its reason. */

/** UTF-8 bytes of a shared name: with `db:` before it, it is a substream's type, which has 64. */
export const NAME_BYTES_MAX = 61
/** A document as JSON, its attachments inline, unless the application says otherwise: a photograph, and not a film. */
export const DOCUMENT_BYTES_MAX = 8 * 1024 * 1024
/** The most that an application may say: a message is put together in memory, and so is a batch. */
export const DOCUMENT_BYTES_LIMIT = 64 * 1024 * 1024
/** Levels of nesting in a message: PouchDB walks documents recursively. */
export const JSON_DEPTH_MAX = 64
/** UTF-8 bytes of a document's id: longer ones make indexes slow, and nobody types them. */
export const DOCUMENT_ID_BYTES_MAX = 512
/** Characters of a revision's hash: PouchDB's own have 32, other programs' may be longer. */
export const REVISION_HASH_LENGTH_MAX = 128
/** A revision's number: one change a second for thirty years, and far from where numbers become inexact. */
export const REVISION_POSITION_MAX = 1_000_000_000
/** Ancestors that travel with a document: PouchDB's own default for those it keeps. */
export const REVISIONS_MAX = 1_000
/** Revisions read, compared or written in one turn: PouchDB takes some milliseconds for 1,000, and does all that it is handed at once. */
export const TURN_REVISIONS_MAX = 2_000
/** Revisions of a peer's documents that are checked in one turn: some milliseconds, as each is looked at by itself. */
export const CHECK_REVISIONS_MAX = 20_000
/** Leaves of one document that are told, the winner first: conflicts beyond this are nobody's to resolve. */
export const LEAVES_MAX = 256
/** Attachments of one document. */
export const ATTACHMENTS_MAX = 256
/** Characters of a place in a feed that is no number: CouchDB's have some hundred. */
export const PLACE_LENGTH_MAX = 4_096
/** Characters by which a database names itself: PouchDB's are UUIDs. */
export const DATABASE_ID_LENGTH_MAX = 128

/** Bytes of a piece that a message is cut into: several fit a substream's first credit, so that questions get between. */
export const PIECE_BYTES_MAX = 16 * 1024
/** Bytes of one question: 256 ids and revisions of the longest kind, every character escaped. */
export const QUESTION_BYTES_MAX = 1024 * 1024
/** Bytes of one answer to `changes`; fewer changes are told where they would take more. One document's leaves always fit. */
export const CHANGES_BYTES_MAX = 256 * 1024
/** Bytes of small documents that are told together: one piece, for each costs a seal and a call of the transport. */
export const FOUND_BYTES_AIM = 15 * 1024
/** Changes in one batch: of 1,000 small documents each batch costs some 10 ms beyond its documents, and a batch is held in memory. */
export const BATCH_CHANGES_MAX = 250
/** A batch whose documents were too large together is tried again with this share of its changes. */
export const BATCH_SHRINK = 4
/** Revisions that one question may ask for. */
export const WANTED_MAX = 256
/** Questions of a kind that a peer may have unanswered: an honest one asks one at a time, and its next may cross our last word. */
export const QUESTIONS_MAX = 2
/** Documents read from our database at a time, and the bytes above which the next read takes half as many. */
export const READ_DOCUMENTS_MAX = 256
export const READ_BYTES_AIM = 256 * 1024

/** Revisions that a peer brought and need not hear of from us: ten batches, which its own feed is seldom ahead by. */
export const BROUGHT_MAX = 1_000
/** A peer that neither answers nor sends on for this long is gone, or wishes that we believed so. */
export const ANSWER_TIMEOUT_MS = 30_000
/** Bytes that a peer must send in this time to count as answering: who drips is silent. */
export const ANSWER_PROGRESS_BYTES = 4_096
/** An `admit` that has not decided by now has refused: a batch waits for it. */
export const ADMIT_TIMEOUT_MS = 30_000
/** PouchDB keeps every refusal of a run; after this many the run starts anew from its checkpoint. */
export const RUN_REFUSALS_MAX = 256
/** Checkpoints kept in one database, for as many peers: two who fall on the same place begin anew by turns. */
export const CHECKPOINTS_MAX = 1_024
/** Peers whom one database is shared with at once: as many as a node has. */
export const EXCHANGES_MAX = 256
/** A feed of our own database that ended is begun again after this. */
export const BELL_RETRY_MS = 1_000
/** How long the end of sharing waits for peers to confirm it. */
export const CLOSE_TIMEOUT_MS = 500
