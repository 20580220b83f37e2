/** What both ends may have unacknowledged at first. */
export const WINDOW_BYTES = 1024 * 1024

/** What a caller may set for one session. */
export interface SessionLimits {
  readonly windowBytes: number
}
