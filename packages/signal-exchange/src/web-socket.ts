/** What is used of a WebSocket; the browsers' own and `ws` both fit. */
export interface WebSocketLike {
  send(text: string): void
  close(code?: number, reason?: string): void
  /** Ends without waiting for the other side; browsers' sockets do not have it and need none. */
  terminate?(): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void
}

export type WebSocketConstructor = new (url: string) => WebSocketLike
