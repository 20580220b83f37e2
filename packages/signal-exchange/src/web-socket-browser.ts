import type { WebSocketConstructor } from './web-socket.ts'

export const DefaultWebSocket: WebSocketConstructor = globalThis.WebSocket
