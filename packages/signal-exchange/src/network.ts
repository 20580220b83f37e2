import { utf8 } from '@resilient-swarm/contract'
import { NETWORK_BYTES_MAX } from './limits.ts'

/** The name's bytes; a RangeError unless they are 1 to 64. */
export function checkNetwork(network: string): Uint8Array {
  const bytes = utf8(network)
  if (typeof network !== 'string' || bytes.byteLength === 0 || bytes.byteLength > NETWORK_BYTES_MAX) {
    throw new RangeError(`network must be a name of 1 to ${NETWORK_BYTES_MAX} bytes`)
  }
  return bytes
}
