import { type Path, type Runtime, type Scope, SwarmError } from '@resilient-swarm/contract'
import type { HandshakePlaces } from './handshake-places.ts'
import { inWords } from './history.ts'
import type { Reception } from './reception.ts'

export interface StrangersOptions {
  readonly runtime: Runtime
  readonly scope: Scope
  readonly places: HandshakePlaces
  readonly reception: Reception
}

/** Takes paths of transports that are dialled without signals: whose they are, only the handshake tells, and few may be unknown at once. */
export function createStrangers({ runtime, scope, places, reception }: StrangersOptions): (path: Path) => void {
  async function receive(path: Path): Promise<void> {
    if (scope.isClosed || places.room('unknown') !== 'free') {
      path.channel.abort(new SwarmError('Too many handshakes are under way.', { code: 'ERR_PEER_BUSY', retryable: true }))
      return
    }
    const leave = places.take('unknown')
    const arrival = scope.child()
    try {
      await reception.welcome({ path, from: undefined, signal: arrival.signal })
    } catch (error) {
      runtime.log.debug('a path that was accepted came to nothing', { kind: path.kind, error: inWords(error) })
    } finally {
      void arrival.close()
      leave()
    }
  }
  return (path) => void receive(path)
}
