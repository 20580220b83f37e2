import { encodeBase64Url } from '@resilient-swarm/contract'
import type { WebSocketConstructor, WebSocketLike } from '../src/index.ts'
import { CLOSE_CODES, type ClientFrame, type CloseCodeName, parseClientFrame, type ServerFrame } from '../src/protocol.ts'

type Listener = (event: never) => void

/** The limits that the fake announces: the real server's defaults. */
export const ANNOUNCED = {
  boxBytes: 8320,
  sends: { perSecond: 10, burst: 40 },
  lookups: { perSecond: 5, burst: 50 },
}

/** The server's end of one connection, moved by hand. */
export class FakeConnection {
  readonly url: string
  readonly frames: ClientFrame[] = []
  /** What the client closed with, and whether it cut the socket. */
  closedWith: number | undefined
  isCut = false
  readonly #listeners = new Map<string, Set<Listener>>()

  constructor(url: string) {
    this.url = url
  }

  listen(event: string, listener: Listener): void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
  }

  heard(text: string): void {
    const frame = parseClientFrame(text)
    if (!frame) throw new Error(`the client sent what is no frame: ${text}`)
    this.frames.push(frame)
  }

  say(frame: ServerFrame): void {
    this.sayRaw(JSON.stringify(frame))
  }

  sayRaw(data: unknown): void {
    this.#emit('message', { data })
  }

  challenge({ time = 1_700_000_000_000, nonce = new Uint8Array(32).fill(7) } = {}): void {
    this.say({ type: 'challenge', nonce: encodeBase64Url(nonce), time })
  }

  /** Challenges, and confirms the login. */
  register(): void {
    this.challenge()
    this.say({ type: 'registered', limits: ANNOUNCED })
  }

  end(code: CloseCodeName | number, reason = ''): void {
    this.#emit('close', { code: typeof code === 'number' ? code : CLOSE_CODES[code], reason })
  }

  fail(message: string): void {
    this.#emit('error', { message })
    this.end(1006)
  }

  #emit(event: string, detail: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(detail as never)
  }
}

/** A WebSocket constructor whose dials land in `connections`. */
export function createFakeNetwork(): { connections: FakeConnection[]; webSocket: WebSocketConstructor } {
  const connections: FakeConnection[] = []
  class FakeWebSocket implements WebSocketLike {
    readonly #connection: FakeConnection
    constructor(url: string) {
      if (url.includes('unspeakable')) throw new SyntaxError('the platform does not like this URL')
      this.#connection = new FakeConnection(url)
      connections.push(this.#connection)
    }
    send(text: string): void {
      this.#connection.heard(text)
    }
    close(code?: number): void {
      this.#connection.closedWith ??= code
    }
    terminate(): void {
      this.#connection.isCut = true
    }
    addEventListener(event: string, listener: Listener): void {
      this.#connection.listen(event, listener)
    }
  }
  return { connections, webSocket: FakeWebSocket }
}
