import type { CallOptions } from './outbound-calls.ts'

/** The user's methods. Results travel by an appended callback (error, result); arguments come from the peer, so check them. */
export type Methods = Record<string, (...args: never[]) => unknown>

/** The peer's methods as this side calls them: each returns a promise. `R` may name them with or without promises. */
export type RemoteMethods<R> = {
  readonly [Name in keyof R as R[Name] extends (...args: never[]) => unknown ? Name : never]: R[Name] extends (
    ...args: infer Args
  ) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never
}

type Call = (method: string, args: unknown[], options?: CallOptions) => Promise<unknown>

/** Turns `remote.sum(1, 2)` into `call('sum', [1, 2])`. */
export function createRemote<R>(call: Call): RemoteMethods<R> {
  const known = new Map<string, (...args: unknown[]) => Promise<unknown>>()
  return new Proxy(Object.freeze(Object.create(null)), {
    get(_target, name) {
      // A promise that resolves to the remote asks for `then`; the remote is not one.
      if (typeof name !== 'string' || name === 'then') return undefined
      let method = known.get(name)
      if (!method) {
        method = (...args) => call(name, args)
        known.set(name, method)
      }
      return method
    },
  })
}
