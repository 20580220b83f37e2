import type { Clock } from '@resilient-swarm/contract'

/** Whether the application uses a peer, and since when it does not. */
export interface UseWatch {
  /** A use of no length. */
  touch(): void
  /** A use that lasts until the returned function is called. */
  begin(): () => void
  /** A use that lasts until the promise settles; returns the promise. */
  during<Value>(work: Promise<Value>): Promise<Value>
  /** How long it was not used, in ms: 0 while it is, infinity when it never was. */
  readonly idleMs: number
}

export function createUseWatch(clock: Clock): UseWatch {
  let underWay = 0
  let usedMs = Number.NEGATIVE_INFINITY

  function begin(): () => void {
    let isOver = false
    underWay++
    return () => {
      if (isOver) return
      isOver = true
      underWay--
      usedMs = clock.monotonic()
    }
  }

  return {
    touch() {
      usedMs = clock.monotonic()
    },
    begin,
    during(work) {
      const end = begin()
      work.then(end, end)
      return work
    },
    get idleMs() {
      return underWay > 0 ? 0 : clock.monotonic() - usedMs
    },
  }
}

type Method = (...args: never[]) => unknown

/** The same methods, whose calls count as use until they have answered. */
export function watchMethods<Methods extends Record<string, Method>>(methods: Methods, watch: UseWatch): Methods {
  const watched = Object.entries(methods).map(([name, method]) => {
    const call = (...args: never[]) => {
      watch.touch()
      const result = method(...args)
      if (result instanceof Promise) watch.during(result)
      return result
    }
    return [name, call]
  })
  return Object.fromEntries(watched) as Methods
}

/** The peer's methods, whose calls count as use until they are answered. */
export function watchRemote<Remote extends object>(remote: Remote, watch: UseWatch): Remote {
  const known = new Map<unknown, unknown>()
  return new Proxy(remote, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      if (!known.has(method)) known.set(method, (...args: unknown[]) => watch.during(method(...args) as Promise<unknown>))
      return known.get(method)
    },
  })
}
