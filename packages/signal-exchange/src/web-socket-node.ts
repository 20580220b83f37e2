import WebSocket from 'ws'
import { SIGNAL_FRAME_BYTES_MAX } from './limits.ts'
import type { WebSocketConstructor } from './web-socket.ts'

/** Node has no WebSocket of its own before 22. Compression stays off: sealed boxes do not compress, and it costs six times. */
export const DefaultWebSocket: WebSocketConstructor = class extends WebSocket {
  constructor(url: string) {
    super(url, { perMessageDeflate: false, maxPayload: SIGNAL_FRAME_BYTES_MAX })
  }
}
