/** What one rpc session holds at most. Every bound is enforced, and tested at its edge. */
export interface RpcLimits {
  readonly lineBytesMax: number
  readonly depthMax: number
  readonly inFlightMax: number
  readonly callbacksMax: number
  readonly methodsMax: number
  readonly waitingCallsMax: number
  readonly waitingBytesMax: number
  readonly unsentAnswerBytesMax: number
  readonly callTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly cullBatchIds: number
  readonly errorTextCharsMax: number
}

export const RPC_LIMITS: RpcLimits = Object.freeze({
  /** One line without its newline. Room for a sealed signal of 8 KiB in base64 many times over, parsed in under a millisecond. */
  lineBytesMax: 64 * 1024,
  /** Containers inside each other, the line's own object counted as the first; arguments may so nest six deep. */
  depthMax: 8,
  /** Calls without an answer, each way: covers 20,000 calls/s at a round trip of 12 ms. */
  inFlightMax: 256,
  /** Local callbacks that the peer may still call: one a call in flight, and what users pass themselves. */
  callbacksMax: 256,
  /** Methods that one side offers: each is a callback that lives as long as the session. */
  methodsMax: 256,
  /** Calls that wait for one of the 256 places, or for a peer that reads slowly: four times what is in flight. */
  waitingCallsMax: 1024,
  /** Bytes of encoded arguments of those waiting calls. */
  waitingBytesMax: 4 * 1024 * 1024,
  /** Answers that the peer does not read yet; above it answers become ERR_RPC_BUSY, a line above that the session ends. */
  unsentAnswerBytesMax: 4 * 1024 * 1024,
  /** Without an answer for so long a call fails; a method without a result for so long is answered with an error. */
  callTimeoutMs: 30_000,
  /** How long `close` waits for the peer's own end: under the second that a closing process has. */
  closeTimeoutMs: 500,
  /** Used callbacks of the peer that one `cull` line gives back. */
  cullBatchIds: 64,
  /** Characters of an error's message that travel: a sentence, not a dump. */
  errorTextCharsMax: 1024,
})
