import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createKeyPair, publicKeyOf } from '@resilient-swarm/identity'
import { openSignal, sealSignal } from '@resilient-swarm/signal-exchange'
import { createPlace, newId, until } from './people.ts'

const place = createPlace()
afterEach(() => place.close())

describe('meeting at one server', () => {
  it('brings a sealed signal from alice to bob, who learns that it is hers', async () => {
    const { url } = await place.server()
    const alice = place.person([url])
    const bob = place.person([url])
    await bob.exchange.ready
    const id = newId()
    const content = {
      attempt: newId(),
      expiresMs: Date.now() + 30_000,
      signal: { kind: 'offer' as const, sdp: 'v=0\r\n', candidates: [] },
    }
    const box = sealSignal({ keyPair: alice.keyPair, to: publicKeyOf(bob.keyPair.peerId), network: 'test', id, content })
    await alice.exchange.send({ to: bob.keyPair.peerId, id, box })
    await until(() => bob.received.length === 1)
    const [arrived] = bob.received
    if (!arrived) throw new Error('nothing arrived')
    expect(openSignal({ keyPair: bob.keyPair, network: 'test', ...arrived, nowMs: Date.now() })).toEqual({
      from: alice.keyPair.peerId,
      publicKey: alice.keyPair.publicKey,
      content,
    })
  })

  it('says who is online, for more keys than one frame holds', async () => {
    const { url } = await place.server()
    const alice = place.person([url])
    const bob = place.person([url])
    await Promise.all([alice.exchange.ready, bob.exchange.ready])
    const strangers = Array.from({ length: 70 }, () => createKeyPair().peerId)
    const asked = [...strangers.slice(0, 40), bob.keyPair.peerId, ...strangers.slice(40), alice.keyPair.peerId]
    expect(await alice.exchange.lookup(asked)).toEqual(new Set([alice.keyPair.peerId, bob.keyPair.peerId]))
    expect(await alice.exchange.lookup([])).toEqual(new Set())
  })

  it('fails with ERR_SIGNAL_OFFLINE for a peer that is not there', async () => {
    const { url } = await place.server()
    const alice = place.person([url])
    await alice.exchange.ready
    const signal = { to: createKeyPair().peerId, id: newId(), box: new Uint8Array(1152) }
    await expect(alice.exchange.send(signal)).rejects.toMatchObject({ code: 'ERR_SIGNAL_OFFLINE', retryable: true })
  })

  it('fails with ERR_SIGNAL_RATE beyond a burst of 40, and goes on afterwards', async () => {
    const { url } = await place.server()
    const alice = place.person([url])
    const bob = place.person([url])
    await Promise.all([alice.exchange.ready, bob.exchange.ready])
    const send = () => alice.exchange.send({ to: bob.keyPair.peerId, id: newId(), box: new Uint8Array(8320) })
    const results = await Promise.allSettled(Array.from({ length: 60 }, send))
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.length).toBeGreaterThanOrEqual(15)
    expect(refused.length).toBeLessThanOrEqual(20)
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'ERR_SIGNAL_RATE', retryable: true })
    await until(() => bob.received.length === 60 - refused.length)
    expect(alice.exchange.servers).toEqual([{ url: `${url}`, state: 'registered' }])
  })

  it('lets the newest login of a key win, tells the older, and the two do not fight', async () => {
    const server = await place.server()
    const keyPair = createKeyPair()
    const older = place.person([server.url], keyPair)
    let displaced = 0
    older.exchange.onDisplaced = () => displaced++
    await older.exchange.ready
    const newer = place.person([server.url], keyPair)
    await newer.exchange.ready
    await until(() => displaced === 1)
    expect(older.exchange.servers[0]).toMatchObject({ state: 'displaced', error: { code: 'ERR_SIGNAL_DISPLACED' } })
    const carol = place.person([server.url])
    await carol.exchange.send({ to: keyPair.peerId, id: newId(), box: new Uint8Array(1152) })
    await until(() => newer.received.length === 1)
    await expect(older.exchange.send({ to: keyPair.peerId, id: newId(), box: new Uint8Array(1152) })).rejects.toMatchObject({
      code: 'ERR_SIGNAL_NO_SERVER',
    })
    expect(older.received).toEqual([])
    expect(server.stats).toMatchObject({ online: 2, registered: 3, closed: { displaced: 1 } })
  })

  it('registers again after the server was restarted at the same port', async () => {
    const first = await place.server()
    const alice = place.person([first.url])
    const bob = place.person([first.url])
    await Promise.all([alice.exchange.ready, bob.exchange.ready])
    await first.close()
    await until(() => alice.exchange.servers[0]?.state !== 'registered' && bob.exchange.servers[0]?.state !== 'registered')
    const second = await place.server({ port: first.port })
    await until(() => second.stats.online === 2)
    await alice.exchange.send({ to: bob.keyPair.peerId, id: newId(), box: new Uint8Array(1152) })
    await until(() => bob.received.length === 1)
  })

  it('waits with a send for the first registration, also over a restart', async () => {
    const server = await place.server()
    const bob = place.person([server.url])
    await bob.exchange.ready
    const alice = place.person([server.url])
    await alice.exchange.send({ to: bob.keyPair.peerId, id: newId(), box: new Uint8Array(1152) })
    expect(alice.exchange.servers[0]?.state).toBe('registered')
  })
})

describe('meeting at several servers', () => {
  it('delivers once what two servers bring, and goes on when one ends', async () => {
    const [first, second] = [await place.server(), await place.server()]
    const urls = [first.url, second.url]
    const alice = place.person(urls)
    const bob = place.person(urls)
    const both = () => [alice, bob].every(({ exchange }) => exchange.servers.every(({ state }) => state === 'registered'))
    await until(both)
    const send = () =>
      alice.exchange.send({ to: bob.keyPair.peerId, id: newId(), box: crypto.getRandomValues(new Uint8Array(1152)) })
    await send()
    await until(() => first.stats.forwarded === 1 && second.stats.forwarded === 1)
    await first.close()
    await until(() => alice.exchange.servers[0]?.state !== 'registered')
    await send()
    await until(() => bob.received.length === 2)
    expect(new Set(bob.received.map(({ id }) => id)).size).toBe(2)
  })

  it('finds a peer that is at the second server only', async () => {
    const [first, second] = [await place.server(), await place.server()]
    const bob = place.person([second.url])
    await bob.exchange.ready
    const alice = place.person([first.url, second.url])
    await alice.exchange.send({ to: bob.keyPair.peerId, id: newId(), box: new Uint8Array(1152) })
    expect(await alice.exchange.lookup([bob.keyPair.peerId])).toEqual(new Set([bob.keyPair.peerId]))
  })

  for (const [dead, makeDead] of [
    ['refuses connections', refusing],
    ['accepts them and says nothing', silent],
  ] as const) {
    it(`joins and sends as fast as ever beside a server that ${dead}`, async () => {
      const { url } = await place.server({ limits: { connectionRate: { perSecond: 1000, burst: 1000 } } })
      const deadServer = await makeDead()
      const bob = place.person([url])
      await bob.exchange.ready
      const join = async (urls: readonly string[]) => {
        const beganMs = performance.now()
        const alice = place.person(urls)
        await alice.exchange.ready
        await alice.exchange.send({ to: bob.keyPair.peerId, id: newId(), box: new Uint8Array(1152) })
        const tookMs = performance.now() - beganMs
        await alice.exchange.close()
        return tookMs
      }
      await join([url])
      const compare = async () => {
        const alone: number[] = []
        const beside: number[] = []
        for (let round = 0; round < 10; round++) {
          alone.push(await join([url]))
          beside.push(await join([deadServer.url, url]))
        }
        const [aloneMs, besideMs] = [median(alone), median(beside)]
        process.stderr.write(
          `join and send, median of 10: ${aloneMs.toFixed(1)} ms alone, ${besideMs.toFixed(1)} ms beside a server that ${dead}\n`,
        )
        return besideMs / (aloneMs + 2) // 2 ms: one more socket in the same process
      }
      // Other work on the machine makes a series slow, nothing makes it fast: one good one of three is proof.
      const ratios = [await compare()]
      while ((ratios.at(-1) as number) > 1.5 && ratios.length < 3) ratios.push(await compare())
      await deadServer.end()
      expect(Math.min(...ratios)).toBeLessThanOrEqual(1.5)
    })
  }

  it('closes at once while dials to a silent and a refusing server are under way', async () => {
    const dead = await silent()
    const alice = place.person([dead.url, 'ws://127.0.0.1:1'])
    const ready = expect(alice.exchange.ready).rejects.toMatchObject({ code: 'ERR_SIGNAL_CLOSED' })
    const sending = expect(
      alice.exchange.send({ to: createKeyPair().peerId, id: newId(), box: new Uint8Array(1152) }),
    ).rejects.toMatchObject({ code: 'ERR_SIGNAL_CLOSED' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    const beganMs = performance.now()
    await alice.exchange.close()
    await ready
    await sending
    expect(performance.now() - beganMs).toBeLessThan(50)
    await dead.end()
  })
})

const median = (values: number[]): number => values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN

async function refusing(): Promise<{ url: string; end(): Promise<void> }> {
  const server = await silent()
  await server.end()
  return { url: server.url, end: async () => {} }
}

function silent(): Promise<{ url: string; end(): Promise<void> }> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      const end = () =>
        new Promise<void>((ended) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => ended())
        })
      resolve({ url: `ws://127.0.0.1:${port}`, end })
    })
  })
}
