import { once } from 'node:events'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { Log } from '@resilient-swarm/contract'
import WebSocket from 'ws'
import { createSignalServer } from '../src/index.ts'
import { createPlace, until } from './people.ts'

const place = createPlace()
afterEach(() => place.close())

describe('closing a server', () => {
  it('tells every client to go elsewhere, and those come back when it does', async () => {
    const server = await place.server()
    const [alice, stranger] = [place.person([server.url]), new WebSocket(server.url)]
    await Promise.all([alice.exchange.ready, once(stranger, 'message')])
    const closed = once(stranger, 'close')
    const beganMs = performance.now()
    await Promise.all([server.close(), server.close()])
    expect(performance.now() - beganMs).toBeLessThan(500)
    expect((await closed)[0]).toBe(1001)
    await until(() => alice.exchange.servers[0]?.state !== 'registered')
    expect(alice.exchange.servers[0]?.error).toMatchObject({ code: 'ERR_SIGNAL_LOST' })
    expect(server.stats).toMatchObject({ connections: 0, online: 0 })
    const again = await place.server({ port: server.port })
    await until(() => again.stats.online === 1)
  })

  it('does not wait long for a client that does not answer', async () => {
    const server = await place.server({ limits: { closeTimeoutMs: 50 } })
    const mute = new WebSocket(server.url)
    await once(mute, 'message')
    mute.pause()
    const beganMs = performance.now()
    await server.close()
    expect(performance.now() - beganMs).toBeLessThan(1_000)
    mute.terminate()
  })
})

describe('a client that went away without a word', () => {
  it('is noticed after two pings, one that answers is kept', async () => {
    const server = await place.server({ limits: { pingMs: 40 } })
    const dead = new WebSocket(server.url, { autoPong: false })
    const alive = new WebSocket(server.url)
    dead.on('error', () => {})
    await Promise.all([once(dead, 'open'), once(alive, 'open')])
    const [code] = await once(dead, 'close')
    expect(code).toBe(4009)
    expect(server.stats).toMatchObject({ connections: 1, closed: { silent: 1 } })
    alive.terminate()
  })

  it('is no longer online once its socket is gone', async () => {
    const server = await place.server()
    const [alice, bob] = [place.person([server.url]), place.person([server.url])]
    await Promise.all([alice.exchange.ready, bob.exchange.ready])
    await bob.exchange.close()
    await until(() => server.stats.online === 1)
    expect(await alice.exchange.lookup([bob.keyPair.peerId])).toEqual(new Set())
  })
})

describe('listening', () => {
  it('fails with ERR_SIGNAL_SERVER_LISTEN where another server is', async () => {
    const { port } = await place.server()
    await expect(createSignalServer({ port })).rejects.toMatchObject({ code: 'ERR_SIGNAL_SERVER_LISTEN' })
  })

  it('answers the health path, and nothing else but upgrades', async () => {
    const server = await place.server({ health: '/how-are-you' })
    const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`)
    const health = await get('/how-are-you')
    expect([health.status, await health.json()]).toEqual([
      200,
      { status: 'ok', connections: 0, online: 0, registered: 0, frames: 0, forwarded: 0, refused: 0, closed: {} },
    ])
    expect((await get('/')).status).toBe(426)
    const mute = await place.server({ health: false })
    expect((await fetch(`http://127.0.0.1:${mute.port}/health`)).status).toBe(426)
  })

  it('on every address goes by the one that a connection arrives at', async () => {
    const server = await place.server({ host: '0.0.0.0' })
    expect(server.url).toBe(`ws://127.0.0.1:${server.port}/`)
    for (const host of ['127.0.0.1', 'localhost']) await place.person([`ws://${host}:${server.port}`]).exchange.ready
  })

  it('logs a line for each kind of event, without whole keys', async () => {
    const lines: string[] = []
    const write = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields ?? {})}`)
    const log: Log = { debug: write, info: write, warn: write }
    const server = await place.server({ log })
    const alice = place.person([server.url])
    await alice.exchange.ready
    await alice.exchange.close()
    await until(() => server.stats.online === 0)
    await server.close()
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['listening', 'registered', 'left', 'closing', 'closed'])
    expect(lines.join()).not.toContain(alice.keyPair.peerId)
  })
})
