import { describe, expect, it } from '@jest/globals'
import { type Path, SwarmError, type Transport } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { createDirectDialler } from '../src/direct-dialler.ts'
import { createHistory } from '../src/history.ts'
import type { SignalRouter } from '../src/signal-router.ts'

const bob = createKeyPair().peerId

/** A dialler whose transport and whose handshake end when the test says so. */
function steps() {
  const runtime = createTestRuntime()
  const [channel] = createChannelPair()
  const path: Path = { kind: 'memory', channel, binding: new Uint8Array(0) }
  const end = { dial: (_: Path) => {}, prove: (_?: SwarmError) => {} }
  const transport: Transport = {
    name: 'memory',
    dial: () =>
      new Promise((resolve) => {
        end.dial = resolve
      }),
    listen: () => ({ close() {} }),
  }
  const router = {
    newAttempt: () => 'a',
    openLine: () => ({ attempt: 'a', send: async () => {}, onSignal() {} }),
  } as unknown as SignalRouter
  const dialler = createDirectDialler({
    isForMesh: () => false,
    transports: [transport],
    router,
    runtime,
    history: createHistory(runtime.clock),
    onPath: () =>
      new Promise((resolve, reject) => {
        end.prove = (error) => (error ? reject(error) : resolve())
      }),
  })
  return { dialler, runtime, dialled: () => end.dial(path), proven: (error?: SwarmError) => end.prove(error) }
}

describe('a direct dial', () => {
  it.each([undefined, new SwarmError('no', { code: 'ERR_NOT_ADMITTED' })])(
    'is proving from when its path stands to the end: %s',
    async (error) => {
      const { dialler, runtime, dialled, proven } = steps()
      const done = dialler.dial(bob).catch(() => {})
      await runtime.clock.advance(0)
      const seen = [dialler.isProving(bob)]
      dialled()
      await runtime.clock.advance(0)
      seen.push(dialler.isProving(bob))
      proven(error)
      await done
      seen.push(dialler.isProving(bob))
      expect(seen).toEqual([false, true, false])
      expect(dialler.isDialling(bob)).toBe(false)
    },
  )
})
