import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { encodeHex } from '@resilient-swarm/contract'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { WebSocket, WebSocketServer } from 'ws'
import { atEnd, connectBare, dial, endAll, listen, nonce, openBare, startServer } from './ws-pair.ts'
import { GREETING_TIMEOUT_MS, GREETINGS_PENDING_MAX, NONCE_BYTES } from './ws-transport.ts'

afterEach(endAll)

describe('a transport over WebSockets', () => {
  it('gives both ends of one connection the same binding, and two connections two', async () => {
    const listening = await listen()
    const [one, other] = [await dial(listening.url), await dial(listening.url)]
    const [atBob, otherAtBob] = [await listening.next(), await listening.next()]
    expect(one.kind).toBe('ws')
    expect(atBob.kind).toBe('ws')
    expect(one.binding).toHaveLength(2 * NONCE_BYTES)
    expect(encodeHex(one.binding)).toBe(encodeHex(atBob.binding))
    expect(encodeHex(other.binding)).toBe(encodeHex(otherAtBob.binding))
    expect(encodeHex(one.binding)).not.toBe(encodeHex(other.binding))
    for (const path of [one, other]) path.channel.close()
  })

  it('takes half of the binding from each end, the half of who dialled first', async () => {
    const { bob } = await connectBare()
    expect(encodeHex(bob.binding).slice(0, 2 * NONCE_BYTES)).toBe(encodeHex(nonce))
    expect(encodeHex(bob.binding).slice(2 * NONCE_BYTES)).not.toBe(encodeHex(nonce))
  })

  it('says at once that it knows no URL', async () => {
    await expect(dial(undefined)).rejects.toMatchObject({ code: 'ERR_WS_NO_URL', retryable: false })
  })

  it('fails where nobody listens', async () => {
    const { server, url } = await startServer()
    server.close()
    await expect(dial(url)).rejects.toMatchObject({ code: 'ERR_WS_LOST', retryable: true })
  })

  it('fails at once where the peer closes before it greets', async () => {
    const closing = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    closing.on('connection', (socket) => socket.close())
    await once(closing, 'listening')
    atEnd(() => closing.close())
    const url = `ws://127.0.0.1:${(closing.address() as AddressInfo).port}`
    const runtime = createTestRuntime() // whose time does not pass
    await expect(dial(url, { runtime })).rejects.toMatchObject({ code: 'ERR_WS_LOST' })
    expect(runtime.clock.pending).toBe(0)
  })

  it('ends a dial whose signal fires, before it began and while it greets', async () => {
    const silent = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(silent, 'listening')
    atEnd(() => silent.close())
    const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`
    await expect(dial(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    const abort = new AbortController()
    const closed = once(silent, 'connection').then(([socket]) => {
      abort.abort()
      return once(socket, 'close')
    })
    await expect(dial(url, { signal: abort.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await closed
  })

  it('gives a peer that does not greet its time, and no more', async () => {
    const runtime = createTestRuntime()
    const listening = await listen(runtime)
    const mallory = await openBare(listening.url)
    const closed = once(mallory, 'close')
    await runtime.clock.advance(GREETING_TIMEOUT_MS - 1)
    expect(mallory.readyState).toBe(WebSocket.OPEN)
    await runtime.clock.advance(1)
    expect((await closed)[0]).toBe(1006)
    expect(listening.accepted).toHaveLength(0)
  })

  it.each([
    ['a byte too few', new Uint8Array(NONCE_BYTES - 1)],
    ['a byte too many', new Uint8Array(NONCE_BYTES + 1)],
    ['a text', 'x'.repeat(NONCE_BYTES)],
  ])('takes no greeting of %s', async (_, greeting) => {
    const listening = await listen()
    const mallory = await openBare(listening.url)
    mallory.send(greeting)
    expect((await once(mallory, 'close'))[0]).toBe(1006)
    expect(listening.accepted).toHaveLength(0)
  })

  it('lets in as many silent strangers as it may, and another when one has gone', async () => {
    const listening = await listen()
    const strangers = await Promise.all(Array.from({ length: GREETINGS_PENDING_MAX }, () => openBare(listening.url)))
    await expect(openBare(listening.url)).rejects.toThrow('socket hang up')
    strangers[0]?.send(nonce)
    await listening.next()
    const late = await openBare(listening.url)
    expect(late.readyState).toBe(WebSocket.OPEN)
  })

  it('lets nobody in once it is closed, ends who still greets, and leaves the paths that stand', async () => {
    const listening = await listen()
    const alice = await dial(listening.url)
    const bob = await listening.next()
    const greeting = await openBare(listening.url)
    const ended = once(greeting, 'close')
    await listening.listening.close()
    await ended
    await expect(openBare(listening.url)).rejects.toThrow('Unexpected server response: 426')
    const heard = new Promise<Uint8Array>((resolve) => (bob.channel.onMessage = resolve))
    alice.channel.send(Uint8Array.of(1))
    expect([...(await heard)]).toEqual([1])
  })
})
