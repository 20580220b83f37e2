import { Duplex } from 'node:stream'
import { createRuntime, type RawSubstream, type Runtime, type Substream, utf8 } from '@resilient-swarm/contract'
import dnode from 'dnode'
import { createRpcSession, type Methods, type RpcSession, type RpcSessionOptions } from '../src/index.ts'
import { createSubstreamPair, type SubstreamPairOptions, type TestSubstream } from './substream-pair.ts'

type SessionOptions = Partial<Pick<RpcSessionOptions, 'methods' | 'limits' | 'reply' | 'cull' | 'runtime'>>
type Any = Record<string, (...args: unknown[]) => unknown>

const runtime: Runtime = createRuntime()

const opened: { session: { close(): void }; substream: Substream }[] = []

/** Makes a session that `closeSessions` will close. */
export function openSession<R = Any>(options: Omit<RpcSessionOptions, 'runtime'> & { runtime?: Runtime }): RpcSession<R> {
  const session = createRpcSession<R>({ runtime, ...options })
  opened.push({ session, substream: options.substream })
  return session
}

/** For `afterEach`: no session outlives its test. */
export function closeSessions(): void {
  for (const { session, substream } of opened.splice(0)) {
    session.close()
    substream.reset()
  }
}

/** Two sessions over one substream. */
export function createSessionPair<R = Any>({
  alice = {},
  bob = {},
  ...pair
}: { alice?: SessionOptions; bob?: SessionOptions } & SubstreamPairOptions = {}): {
  alice: RpcSession<R>
  bob: RpcSession<Any>
  ends: readonly [TestSubstream, TestSubstream]
} {
  const ends = createSubstreamPair(pair)
  return {
    alice: openSession<R>({ substream: ends[0], methods: {}, ...alice }),
    bob: openSession<Any>({ substream: ends[1], methods: {}, ...bob }),
    ends,
  }
}

/** A session of alice's, and mallory at the bare other end. */
export function createVictim(options: SessionOptions & { methods?: Methods } = {}): {
  alice: RpcSession<Any>
  mallory: Mallory
  end: TestSubstream
} {
  const [end, other] = createSubstreamPair()
  return { alice: openSession<Any>({ substream: end, methods: {}, ...options }), mallory: new Mallory(other), end }
}

/** Writes what she likes, and keeps every line she is told. */
export class Mallory {
  readonly lines: string[] = []
  readonly raw: RawSubstream
  #rest = ''

  constructor(substream: Substream) {
    this.raw = substream.raw()
    this.raw.onBytes = (bytes) => {
      this.raw.consume(bytes.byteLength)
      const parts = (this.#rest + new TextDecoder().decode(bytes)).split('\n')
      this.#rest = parts.pop() ?? ''
      this.lines.push(...parts)
    }
  }

  send(line: string | object): void {
    this.raw.write(utf8(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`))
  }

  /** Tells methods of hers, with ids from 0. */
  offer(...names: string[]): void {
    const placeholders = Object.fromEntries(names.map((name) => [name, '[Function]']))
    const callbacks = Object.fromEntries(names.map((name, id) => [id, ['0', name]]))
    this.send({ method: 'methods', arguments: [placeholders], callbacks, links: [] })
  }

  /** The parsed lines after the first, which tells alice's methods. */
  get calls(): { method: number | string; arguments: unknown[]; callbacks: Record<string, string[]> }[] {
    return this.lines.slice(1).map((line) => JSON.parse(line))
  }
}

/** A plain dnode 1.2.2 over a substream. */
export function createPlainDnode(substream: Substream, methods: object): ReturnType<typeof dnode> {
  const plain = dnode(methods, { weak: false })
  const raw = substream.raw()
  const duplex = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, done) {
      if (raw.write(new Uint8Array(bytes))) done()
      else raw.onDrain = () => done()
    },
    final(done) {
      raw.end()
      done()
    },
  })
  raw.onBytes = (bytes) => {
    duplex.push(Buffer.from(bytes))
    raw.consume(bytes.byteLength)
  }
  raw.onEnd = () => duplex.push(null)
  duplex.pipe(plain).pipe(duplex)
  return plain
}

/** Lets everything under way in memory arrive. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve))
}
