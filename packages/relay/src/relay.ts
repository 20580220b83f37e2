import type { Relay, RelayOptions } from './options.ts'

/** Place of the whole; what it does follows. */
export function createRelay(_options: RelayOptions): Relay {
  throw new Error('createRelay is not written yet')
}
