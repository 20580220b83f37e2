/** Every bound of the mesh and of forwarding, with its unit and its reason. */

/** Neighbours asked to forward one signal: two independent ones and a spare. */
export const FORWARDERS_MAX = 3
/** Signals that we forward for one neighbour, a second and at once. */
export const FORWARDS_PER_SECOND = 20
export const FORWARDS_BURST = 40
/** First and longest pause before the mesh tries a peer again that could not be reached. */
export const MESH_RETRY_MS_MIN = 1_000
export const MESH_RETRY_MS_MAX = 60_000
/** Who was connected for less counts as not reached, in ms: a peer that takes calls and leaves is not called without a pause. */
export const MESH_STAYED_MS = 10_000
/** The smaller key waits this long for the larger one to call before it calls itself. */
export const MESH_PATIENCE_MS = 4_000
/** How often the mesh looks whether somebody is missing. */
export const MESH_INTERVAL_MS = 1_000
/** How often the round trips in our record are compared with those measured, and by how much they may differ. */
export const LINKS_REVIEW_MS = 5_000
export const LINK_RTT_CHANGE_MIN = 0.25
export const LINK_RTT_CHANGE_MS_MIN = 5
