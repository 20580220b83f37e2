import { decodeUtf8, type Runtime, SwarmError, utf8 } from '@resilient-swarm/contract'
import type { Frame, LinkEnd } from './link.ts'
import type { TrafficKind } from './traffic.ts'

/** Lane 0 belongs to calls; tables have the others. */
export const RPC_LANE = 0

export type Method = (...args: readonly unknown[]) => unknown

export interface RpcOptions {
  readonly end: LinkEnd
  readonly runtime: Runtime
  readonly methods: Readonly<Record<string, Method>>
  readonly kindOf: (method: string) => TrafficKind
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: SwarmError) => void
}

/** As long as dnode waits for an answer. */
const CALL_TIMEOUT_MS = 30_000

/** Calls over a link, in dnode's own words so that their bytes count for what they are. */
export class Rpc {
  readonly #options: RpcOptions
  readonly #waiting = new Map<number, Waiting>()
  #newest = 0

  constructor(options: RpcOptions) {
    this.#options = options
  }

  call(method: string, args: readonly unknown[], { timeoutMs = CALL_TIMEOUT_MS } = {}): Promise<unknown> {
    const { end, runtime, kindOf } = this.#options
    return new Promise((resolve, reject) => {
      if (end.state === 'ended') return reject(goneError())
      const id = ++this.#newest
      const timer = runtime.clock.setTimer(timeoutMs, () => {
        if (this.#waiting.delete(id)) reject(new SwarmError('No answer in time.', { code: 'ERR_RPC_TIMEOUT', retryable: true }))
      })
      const settled = () => timer.cancel()
      this.#waiting.set(id, {
        resolve(result) {
          settled()
          resolve(result)
        },
        reject(error) {
          settled()
          reject(error)
        },
      })
      this.#send(
        { method, arguments: [...args, '[Function]'], callbacks: { [id]: [String(args.length)] }, links: [] },
        kindOf(method),
      )
    })
  }

  /** Without an answer. */
  tell(method: string, args: readonly unknown[]): void {
    this.#send({ method, arguments: args, callbacks: {}, links: [] }, this.#options.kindOf(method))
  }

  receive({ bytes, kind }: Frame): void {
    const message = JSON.parse(decodeUtf8(bytes) ?? '{}') as Line
    if (typeof message.method === 'number') this.#settle(message.method, message.arguments)
    else this.#serve(message, message.method, kind)
  }

  #serve(message: Line, name: string, kind: TrafficKind): void {
    const [id] = Object.keys(message.callbacks)
    const args = id === undefined ? message.arguments : message.arguments.slice(0, -1)
    const method = this.#options.methods[name]
    const answer = (error: unknown, result: unknown) =>
      id === undefined || this.#send({ method: Number(id), arguments: [error, result], callbacks: {}, links: [] }, kind)
    void Promise.resolve()
      .then(() => method?.(...args))
      .then(
        (result) => answer(null, result ?? null),
        (error: unknown) =>
          answer(error instanceof SwarmError ? { code: error.code, message: error.message } : String(error), null),
      )
  }

  /** The link ended: nobody answers any more. */
  end(): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(goneError())
  }

  #settle(id: number, [error, result]: readonly unknown[]): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (!waiting) return
    if (error === null) waiting.resolve(result)
    else waiting.reject(remoteError(error))
  }

  #send(line: Line, kind: TrafficKind): void {
    this.#options.end.send({ lane: RPC_LANE, kind, bytes: utf8(`${JSON.stringify(line)}\n`) })
  }
}

interface Line {
  readonly method: string | number
  readonly arguments: readonly unknown[]
  readonly callbacks: Readonly<Record<string, readonly string[]>>
  readonly links: readonly never[]
}

function remoteError(error: unknown): SwarmError {
  const { code = 'ERR_RPC_REMOTE', message = String(error) } = (typeof error === 'object' ? error : {}) as Partial<SwarmError>
  return new SwarmError(message, { code, retryable: true })
}

function goneError(): SwarmError {
  return new SwarmError('The peer is gone.', { code: 'ERR_PEER_GONE', retryable: true })
}
