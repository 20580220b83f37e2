import type { Path, PeerId } from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import type { SessionPath } from '@resilient-swarm/session'
import type { Acquaintances } from './acquaintances.ts'
import type { Settings } from './options.ts'
import { provePath } from './proven-path.ts'

export interface ReceptionOptions {
  readonly keyPair: KeyPair
  readonly settings: Settings
  readonly acquaintances: Acquaintances
  /** Let in already: `admit` is not asked again for each of its paths. */
  readonly isConnected: (id: PeerId) => boolean
  /** A peer's clock, as its handshake told it. */
  readonly onTime: (peer: PeerId, remoteMs: number) => void
}

/** The one way in and out for paths, whoever made them: the key is proven, `admit` asked, the session joined. */
export interface Reception {
  /** A path that we dialled. */
  join(options: { path: Path; target: PeerId; signal: AbortSignal }): Promise<SessionPath>
  /** A path that was dialled to us; `from` when something before it told who comes. Its place must be taken, see `HandshakePlaces`. */
  welcome(options: { path: Path; from: PeerId | undefined; signal: AbortSignal }): Promise<SessionPath>
}

export function createReception(options: ReceptionOptions): Reception {
  const { keyPair, settings, acquaintances, isConnected, onTime } = options
  const { network, runtime } = settings

  async function prove(path: Path, role: 'initiator' | 'responder', expected: PeerId | undefined, signal: AbortSignal) {
    const admit = (id: PeerId) => isConnected(id) || settings.admit(id)
    const proven = await provePath({ path, role, expected, keyPair, network, runtime, signal, admit })
    if (!isConnected(proven.id)) onTime(proven.id, proven.secure.remoteTimeMs)
    return proven
  }

  return {
    async join({ path, target, signal }) {
      return acquaintances.join(await prove(path, 'initiator', target, signal), signal)
    },
    async welcome({ path, from, signal }) {
      return acquaintances.welcome(await prove(path, 'responder', from, signal), signal)
    },
  }
}
