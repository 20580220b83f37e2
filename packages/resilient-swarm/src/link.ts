import { type SecureChannel, secureChannel } from '@resilient-swarm/cipher-stream'
import { type CloseReason, type Path, type PeerId, type Runtime, type Substream, SwarmError } from '@resilient-swarm/contract'
import { type KeyPair, publicKeyOf } from '@resilient-swarm/identity'
import { createMultiplexer, type Multiplexer, type NodeBuffers } from '@resilient-swarm/multiplexer'
import { withSignal } from './with-signal.ts'

/** The substream types that are the swarm's own; every other is the application's. */
export const OWN_TYPES = { table: 'db', rpc: 'dnode', relay: 'relay' } as const

const OWN: ReadonlySet<string> = new Set(Object.values(OWN_TYPES))

/** True for a type that no application opens or is handed. */
export function isOwnType(type: string): boolean {
  return OWN.has(type)
}

/** Close codes of a link, sent inside the cipher's CLOSE record. Those below 64 are the multiplexer's, from 240 on the cipher's. */
export const LINK_CODES = { finished: 0, notAdmitted: 64, replaced: 65, full: 66 } as const

/** A path whose peer proved its key, with substreams over it. What a `Peer` stands on while this path lives. */
export interface Link {
  readonly id: PeerId
  readonly role: 'initiator' | 'responder'
  readonly path: Path
  readonly secure: SecureChannel
  readonly multiplexer: Multiplexer
  readonly closed: Promise<CloseReason>
}

export interface OpenLinkOptions {
  readonly path: Path
  readonly role: 'initiator' | 'responder'
  readonly expected: PeerId
  readonly keyPair: KeyPair
  readonly network: string
  readonly runtime: Runtime
  readonly signal: AbortSignal
  /** Asked once the key is proven and before any substream is looked at. */
  readonly admit: (id: PeerId) => boolean | Promise<boolean>
  readonly onSubstream: (substream: Substream) => void
  readonly nodeBuffers: NodeBuffers
}

/** Proves keys over a fresh path, asks for admission, then opens substreams. Ends the path on any failure. */
export async function openLink(options: OpenLinkOptions): Promise<Link> {
  const { path, role, keyPair, network, runtime, signal, expected } = options
  const secure = await secureChannel({
    channel: path.channel,
    role,
    keyPair,
    network,
    kind: path.kind,
    binding: path.binding,
    expected: publicKeyOf(expected),
    runtime,
    signal,
  })
  if (!(await isAdmitted(options))) {
    secure.close({ by: 'us', code: LINK_CODES.notAdmitted })
    throw new SwarmError('This node does not admit the peer: see the `admit` option.', { code: 'ERR_NOT_ADMITTED' })
  }
  const { onSubstream, nodeBuffers } = options
  const multiplexer = createMultiplexer({ channel: secure, role, runtime, onSubstream, nodeBuffers })
  return { id: expected, role, path, secure, multiplexer, closed: multiplexer.closed }
}

/** An `admit` that fails is a no, and so is one that takes longer than the attempt. */
async function isAdmitted({ admit, expected, runtime, signal }: OpenLinkOptions): Promise<boolean> {
  try {
    return await withSignal(Promise.resolve(admit(expected)), signal)
  } catch (error) {
    runtime.log.warn('admit failed, so the peer was refused', { error: String(error) })
    return false
  }
}
