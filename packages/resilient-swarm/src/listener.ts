import { type IncomingAttempt, type Path, type Runtime, type Scope, SwarmError, type Transport } from '@resilient-swarm/contract'

/** Starts every transport's listening and hands offers to the first that answers them. */
export interface Listener {
  answer(attempt: IncomingAttempt): Promise<Path>
}

export function createListener({
  transports,
  runtime,
  scope,
}: {
  transports: readonly Transport[]
  runtime: Runtime
  scope: Scope
}): Listener {
  const answerers: ((attempt: IncomingAttempt) => Promise<Path>)[] = []
  for (const transport of transports) {
    const listening = transport.listen({
      runtime,
      onAttempt: (answer) => void answerers.push(answer),
      // A path without a signal before it has no known key yet, and nobody to expect: it waits for the session layer.
      accept: (path) => path.channel.abort(new SwarmError('Unexpected path.', { code: 'ERR_PATH_UNEXPECTED' })),
    })
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
