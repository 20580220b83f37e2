import { type IncomingAttempt, type Path, type Runtime, type Scope, SwarmError, type Transport } from '@resilient-swarm/contract'

export interface ListenerOptions {
  readonly transports: readonly Transport[]
  readonly runtime: Runtime
  readonly scope: Scope
  /** A transport was dialled without signals before: whose path it is, only its handshake tells. */
  readonly onPath: (path: Path) => void
}

/** Starts every transport's listening and hands offers to the first that answers them. */
export interface Listener {
  answer(attempt: IncomingAttempt): Promise<Path>
}

export function createListener({ transports, runtime, scope, onPath }: ListenerOptions): Listener {
  const answerers: ((attempt: IncomingAttempt) => Promise<Path>)[] = []
  for (const transport of transports) {
    const listening = transport.listen({ runtime, onAttempt: (answer) => void answerers.push(answer), accept: onPath })
    scope.add(() => listening.close())
  }
  return {
    async answer(attempt) {
      const [answerer] = answerers
      if (!answerer) throw new SwarmError('No transport of this node answers offers.', { code: 'ERR_NO_TRANSPORT' })
      return answerer(attempt)
    },
  }
}
