import { type SecureChannel, secureChannel } from '@resilient-swarm/cipher-stream'
import { type Path, type PeerId, type Runtime, SwarmError } from '@resilient-swarm/contract'
import { type KeyPair, publicKeyOf } from '@resilient-swarm/identity'
import { ATTEMPT_TIMEOUT_MS } from './limits.ts'
import { PEER_CODES } from './peer-codes.ts'
import { withSignal } from './with-signal.ts'

/** A path whose peer proved its key and was let in. Nothing of a higher layer was read yet. */
export interface ProvenPath {
  readonly id: PeerId
  readonly path: Path
  readonly secure: SecureChannel
}

export interface ProvePathOptions {
  readonly path: Path
  readonly role: 'initiator' | 'responder'
  /** The only key that will do; whoever proves one when left out. */
  readonly expected: PeerId | undefined
  readonly keyPair: KeyPair
  readonly network: string
  readonly runtime: Runtime
  readonly signal: AbortSignal
  /** Asked once the key is proven. */
  readonly admit: (id: PeerId) => boolean | Promise<boolean>
}

/** Proves keys over a fresh path, then asks for admission. Ends the path on any failure, and says so to the peer where it may know. */
export async function provePath(options: ProvePathOptions): Promise<ProvenPath> {
  const { path, role, expected, keyPair, network, runtime, signal } = options
  const { channel, kind, binding } = path
  const known = expected === undefined ? {} : { expected: publicKeyOf(expected) }
  const secure = await secureChannel({ channel, role, keyPair, network, kind, binding, runtime, signal, ...known })
  const id = secure.remotePeerId
  if (id === keyPair.peerId) {
    secure.close()
    throw new SwarmError('The path leads to this very node.', { code: 'ERR_PATH_UNEXPECTED' })
  }
  if (!(await isAdmitted(id, options))) {
    secure.close({ by: 'us', code: PEER_CODES.notAdmitted })
    throw new SwarmError('This node does not admit the peer: see the `admit` option.', { code: 'ERR_NOT_ADMITTED' })
  }
  return { id, path, secure }
}

/** An `admit` that fails is a no, and so is one that takes longer than an attempt. */
export async function isAdmitted(
  id: PeerId,
  { admit, runtime, signal }: Pick<ProvePathOptions, 'admit' | 'runtime' | 'signal'>,
): Promise<boolean> {
  const late = new AbortController()
  const timer = runtime.clock.setTimer(ATTEMPT_TIMEOUT_MS, () => late.abort())
  try {
    return await withSignal(Promise.resolve(admit(id)), AbortSignal.any([signal, late.signal]))
  } catch (error) {
    runtime.log.warn('admit failed, so the peer was refused', { error: String(error) })
    return false
  } finally {
    timer.cancel()
  }
}
