/** The two ends of a data channel in memory, as far as our channel uses them; delivery is when the test says so. */
export class FakeRtcChannel extends EventTarget {
  readonly label = 'rs/1'
  binaryType = 'blob'
  readyState: RTCDataChannelState = 'open'
  bufferedAmount = 0
  bufferedAmountLowThreshold: number | undefined = 0
  onmessage: ((event: { data: unknown }) => void) | null = null
  onopen: (() => void) | null = null
  onclose: (() => void) | null = null
  onerror: (() => void) | null = null
  onbufferedamountlow: (() => void) | null = null
  readonly sent: unknown[] = []

  send(data: string | Uint8Array): void {
    if (this.readyState !== 'open') throw new Error('not open')
    this.sent.push(data)
    this.bufferedAmount += typeof data === 'string' ? data.length : data.byteLength
  }

  /** What was sent since the last time, texts as they are and messages by their lengths. */
  takeSent(): (string | number)[] {
    return this.sent.splice(0).map((data) => (typeof data === 'string' ? data : (data as Uint8Array).byteLength))
  }

  receive(data: string | number): void {
    this.onmessage?.({ data: typeof data === 'string' ? data : new ArrayBuffer(data) })
  }

  drain(bytes = this.bufferedAmount): void {
    this.bufferedAmount -= bytes
    if (this.bufferedAmount === 0) this.onbufferedamountlow?.()
  }

  close(): void {
    this.readyState = 'closed'
    this.onclose?.()
  }
}

export class FakeRtcConnection extends EventTarget {
  connectionState: RTCPeerConnectionState = 'connected'
  iceConnectionState: RTCIceConnectionState = 'connected'

  become(state: 'failed' | 'closed' | 'disconnected'): void {
    this.connectionState = state
    this.dispatchEvent(new Event('connectionstatechange'))
  }
}
