import { describe, expect, it } from '@jest/globals'
import { secureChannel } from '@resilient-swarm/cipher-stream'
import { createKeyPair } from '@resilient-swarm/identity'
import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { ATTEMPT_TIMEOUT_MS } from '../src/limits.ts'
import { PEER_CODES } from '../src/peer-codes.ts'
import { provePath } from '../src/proven-path.ts'

describe('a path whose key is proven', () => {
  it('is refused when `admit` never answers, and nothing waits for it', async () => {
    const runtime = createTestRuntime()
    const [near, far] = createChannelPair()
    const path = { kind: 'memory', channel: far, binding: new Uint8Array(0) }
    const common = { network: 'public', runtime }
    const proven = provePath({
      ...common,
      path,
      role: 'responder',
      expected: undefined,
      keyPair: createKeyPair(),
      signal: new AbortController().signal,
      admit: () => new Promise<boolean>(() => {}),
    }).catch((error: unknown) => error)
    const { kind, binding } = path
    const alice = await secureChannel({ ...common, channel: near, role: 'initiator', keyPair: createKeyPair(), kind, binding })
    alice.onMessage = () => {}
    await runtime.clock.advance(ATTEMPT_TIMEOUT_MS)
    expect(await proven).toMatchObject({ code: 'ERR_NOT_ADMITTED' })
    expect(await alice.closed).toMatchObject({ by: 'peer', code: PEER_CODES.notAdmitted })
    expect(runtime.clock.pending).toBe(0)
  })
})
