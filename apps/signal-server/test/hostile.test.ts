import { connect as connectTcp, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from '@jest/globals'
import { concatBytes, decodeBase64Url, encodeBase64Url, utf8 } from '@resilient-swarm/contract'
import { createKeyPair, type KeyPair } from '@resilient-swarm/identity'
import { parseServerFrame, type ServerFrame, signLogin } from '@resilient-swarm/signal-exchange/protocol'
import { createSeededRandom } from '@resilient-swarm/testkit'
import WebSocket from 'ws'
import { createPlace, newId, until } from './people.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const place = createPlace()
const sockets: WebSocket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate()
  await place.close()
})

const FREELY = { perSecond: 1_000_000, burst: 1_000_000 }
const LIFTED = { connectionRate: FREELY, sends: FREELY, lookups: FREELY, frames: FREELY }

/** A client written by hand: everything that it hears, and how it ended. */
function dial(url: string) {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  sockets.push(socket)
  const heard: ServerFrame[] = []
  const client = {
    socket,
    heard,
    closed: new Promise<number>((resolve) => socket.on('close', resolve)),
    isOpen: true,
    /** Resolves with the next frame that is not yet taken. */
    async frame(index: number): Promise<ServerFrame> {
      await client.answers(index + 1)
      const frame = heard[index]
      if (!frame) throw new Error('the connection ended')
      return frame
    },
    /** What is sent inside leaves in one piece. */
    together(send: () => void): void {
      const { _socket: tcp } = socket as unknown as { _socket: Socket | null }
      tcp?.cork()
      send()
      tcp?.uncork()
    },
    /** Resolves when so many frames were heard, or the connection ended. */
    answers(count: number): Promise<void> {
      return new Promise((resolve) => {
        const check = () => {
          if (client.isOpen && heard.length < count) return
          socket.off('message', check)
          resolve()
        }
        socket.on('message', check)
        void client.closed.then(check)
        check()
      })
    },
    /** The text of a login that fits the challenge. */
    async loginFor(keyPair: KeyPair, origin: string): Promise<string> {
      const challenge = await client.frame(0)
      if (challenge.type !== 'challenge') throw new Error('no challenge')
      const { nonce, time } = challenge
      const signature = signLogin(keyPair, { origin, nonce: decodeBase64Url(nonce) as Uint8Array, timeMs: time })
      return JSON.stringify({ type: 'register', key: keyPair.peerId, origin, time, signature: encodeBase64Url(signature) })
    },
    async login(keyPair: KeyPair): Promise<void> {
      socket.send(await client.loginFor(keyPair, url))
      await client.frame(1)
    },
  }
  socket.on('error', () => {})
  socket.on('close', () => {
    client.isOpen = false
  })
  socket.on('message', (data) => {
    const frame = parseServerFrame(String(data))
    if (!frame) throw new Error('the server sent what is no frame')
    heard.push(frame)
  })
  return client
}

describe('a captured login', () => {
  it('is refused when it is replayed, on the same connection, on another one, and on another server', async () => {
    const [server, other] = [await place.server(), await place.server()]
    const alice = createKeyPair()
    const victim = dial(server.url)
    const captured = await victim.loginFor(alice, server.url)
    victim.socket.send(captured)
    expect((await victim.frame(1)).type).toBe('registered')

    const replay = dial(server.url)
    await replay.frame(0)
    replay.socket.send(captured)
    expect(await replay.closed).toBe(4005)
    const elsewhere = dial(other.url)
    await elsewhere.frame(0)
    elsewhere.socket.send(captured)
    expect(await elsewhere.closed).toBe(4003)
    expect(server.stats.online).toBe(1)

    victim.socket.send(captured)
    expect(await victim.closed).toBe(4001)
    expect([server.stats.registered, other.stats.registered]).toEqual([1, 0])
  })

  it('is worth nothing to a server that hands on another server’s challenge', async () => {
    const server = await place.server()
    const alice = createKeyPair()
    const mallory = dial(server.url)
    // Alice dialled mallory, who shows her the honest server's nonce; what she signs names mallory's URL.
    mallory.socket.send(await mallory.loginFor(alice, 'ws://mallory.example/'))
    expect(await mallory.closed).toBe(4003)
    const again = dial(server.url)
    const login = JSON.parse(await again.loginFor(alice, 'ws://mallory.example/')) as object
    again.socket.send(JSON.stringify({ ...login, origin: server.url }))
    expect(await again.closed).toBe(4005)
    expect(server.stats.registered).toBe(0)
  })

  it('does not become good by a Host header', async () => {
    const server = await place.server()
    const socket = new WebSocket(server.url, { headers: { host: 'mallory.example' } })
    sockets.push(socket)
    const challenge = await new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))))
    const { nonce, time } = JSON.parse(challenge) as { nonce: string; time: number }
    const alice = createKeyPair()
    const origin = 'ws://mallory.example/'
    const signature = signLogin(alice, { origin, nonce: decodeBase64Url(nonce) as Uint8Array, timeMs: time })
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.send(JSON.stringify({ type: 'register', key: alice.peerId, origin, time, signature: encodeBase64Url(signature) }))
    expect(await closed).toBe(4003)
  })

  it('is for a name that the operator gave, when one was given', async () => {
    const origin = 'wss://signals.example/'
    const server = await place.server({ origins: [origin] })
    expect(server.url).toBe(origin)
    const direct = `ws://127.0.0.1:${server.port}/`
    const [good, bad] = [dial(direct), dial(direct)]
    good.socket.send(await good.loginFor(createKeyPair(), origin))
    expect((await good.frame(1)).type).toBe('registered')
    bad.socket.send(await bad.loginFor(createKeyPair(), direct))
    expect(await bad.closed).toBe(4003)
  })
})

describe('bytes that are no frames', () => {
  it('end the connection with a number each', async () => {
    const { url } = await place.server()
    for (const [data, code] of [
      ['hello', 4000],
      [Buffer.from('{}'), 4000],
      ['x'.repeat(16_385), 1009],
      [`{"type":"lookup","id":"${newId()}","keys":[]}`, 4001],
    ] as const) {
      const mallory = dial(url)
      await mallory.frame(0)
      mallory.socket.send(data)
      expect(await mallory.closed).toBe(code)
    }
  })

  it('below WebSocket do no harm either', async () => {
    const server = await place.server({ limits: { connectionRate: FREELY } })
    const upgrade = `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`
    const random = createSeededRandom(1)
    const garbage = Array.from({ length: 200 }, (_, index) =>
      concatBytes(utf8(index % 2 ? upgrade : ''), random.bytes(1 + (index % 60))),
    )
    for (const bytes of [
      ...garbage,
      utf8(upgrade.replace('13', '7')),
      utf8(`GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`),
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connectTcp(server.port, '127.0.0.1', () => socket.end(bytes))
        socket.on('error', () => {})
        socket.on('close', () => resolve())
        socket.resume()
      })
    }
    const alice = place.person([server.url])
    await alice.exchange.ready
    expect(server.stats.online).toBe(1)
  })
})

describe('floods', () => {
  it('of connections are refused before they cost a session', async () => {
    const server = await place.server()
    const opened = await Promise.all(
      Array.from({ length: 70 }, () => {
        const { socket } = dial(server.url)
        return new Promise<boolean>((resolve) => {
          socket.on('open', () => resolve(true))
          socket.on('error', () => resolve(false))
        })
      }),
    )
    const count = opened.filter(Boolean).length
    expect(count).toBeGreaterThanOrEqual(50)
    expect(count).toBeLessThan(60)
    expect(server.stats).toMatchObject({ connections: count, refused: 70 - count })
  })

  it('of connections stop at the most that the server holds', async () => {
    const server = await place.server({ limits: { connectionsMax: 3 } })
    const clients = Array.from({ length: 3 }, () => dial(server.url))
    await Promise.all(clients.map((client) => client.frame(0)))
    expect(await dial(server.url).closed).toBe(1006)
    clients[0]?.socket.close()
    await until(() => server.stats.connections === 2)
    expect((await dial(server.url).frame(0)).type).toBe('challenge')
  })

  it('of frames end the connection', async () => {
    const { url } = await place.server()
    const mallory = dial(url)
    await mallory.login(createKeyPair())
    for (let count = 0; count < 400; count++) mallory.socket.send(`{"type":"lookup","id":"${newId()}","keys":[]}`)
    expect(await mallory.closed).toBe(4008)
  })

  it('of questions without reading the answers hold no more than a bounded queue', async () => {
    const server = await place.server({ limits: LIFTED })
    const key = createKeyPair()
    const mallory = dial(server.url)
    await mallory.login(key)
    mallory.socket.pause()
    const keys = Array.from({ length: 32 }, () => key.peerId) // 2 KiB to ask, 2 KiB of answer
    const question = JSON.stringify({ type: 'lookup', id: newId(), keys })
    // The kernel takes some megabytes of its own; beyond them 32 answers wait, and then it is over.
    for (let asked = 0; asked < 20_000 && !server.stats.closed.tooSlow; asked += 100) {
      for (let count = 0; count < 100; count++) mallory.socket.send(question)
      await until(() => server.stats.frames > asked + 100 || server.stats.closed.tooSlow === 1)
    }
    expect(server.stats.closed).toEqual({ tooSlow: 1 })
    await until(() => server.stats.connections === 0)
  })

  it('at a receiver that does not read are the senders’ to know, and hold no more than its queue', async () => {
    const server = await place.server({ limits: LIFTED })
    const [slowKey, bobKey] = [createKeyPair(), createKeyPair()]
    const slow = dial(server.url)
    await slow.login(slowKey)
    slow.socket.pause()
    const bob = dial(server.url)
    await bob.login(bobKey)
    const alice = dial(server.url)
    await alice.login(createKeyPair())
    const send = (to: string) => alice.socket.send(JSON.stringify({ type: 'send', to, id: newId(), box: 'A'.repeat(11_000) }))
    const failed = () => alice.heard.filter((frame) => frame.type === 'failed' && frame.code === 'rate').length
    // The kernel takes some megabytes of its own; beyond them 32 frames wait and the rest is refused.
    for (let round = 0; round < 4_000 && failed() < 50; round++) {
      for (let count = 0; count < 20; count++) send(slowKey.peerId)
      await until(() => alice.heard.length >= 2 + (round + 1) * 20)
    }
    expect(failed()).toBeGreaterThanOrEqual(50)
    send(bobKey.peerId)
    await until(() => bob.heard.some((frame) => frame.type === 'signal'))
    expect(server.stats.online).toBe(3)
  })

  it('of 100,000 mutated frames leave the server serving', async () => {
    const seed = Date.now()
    const random = createSeededRandom(seed)
    const server = await place.server({ limits: LIFTED })
    const [aliceKey, bobKey] = [createKeyPair(), createKeyPair()]
    const bob = place.person([server.url], bobKey)
    await bob.exchange.ready
    const bystander = createKeyPair().peerId
    const sendTo = (to: string) => JSON.stringify({ type: 'send', to, id: newId(), box: encodeBase64Url(random.bytes(200)) })
    const lookup = JSON.stringify({ type: 'lookup', id: newId(), keys: [bobKey.peerId, bystander, aliceKey.peerId] })
    const frames = [sendTo(bobKey.peerId), ...Array.from({ length: 9 }, (_, index) => (index % 2 ? lookup : sendTo(bystander)))]
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random.fraction() * items.length)] as Item
    /** Usually inside a value, so that the server goes on with the connection; one in 100 anywhere, which ends it. */
    const mutate = (frame: string): string => {
      if (random.fraction() >= 0.01) {
        return frame.replace(/"(id|box)":"([^"]*)"/g, (_, name: string, value: string) => {
          const at = Math.floor(random.fraction() * (value.length - 4))
          return `"${name}":"${value.slice(0, at)}${pick(['0', '7', 'a', 'f'])}${value.slice(at + 1)}"`
        })
      }
      const at = Math.floor(random.fraction() * frame.length)
      const piece = pick(['', '"', '{', '[', '\\', '\u0000', 'é', '1e999', ',"__proto__":1', frame])
      return frame.slice(0, at) + piece + frame.slice(at + Math.floor(random.fraction() * 3))
    }
    const wanted = 100_000
    const beganMs = performance.now()
    const heapBytes = process.memoryUsage().heapUsed
    let connections = 0
    const attack = async () => {
      const key = createKeyPair()
      while (server.stats.frames < wanted) {
        connections++
        const mallory = dial(server.url)
        const login = await mallory.loginFor(key, server.url)
        mallory.socket.send(random.fraction() < 0.1 ? mutate(login) : login)
        for (let answers = 27; mallory.isOpen && server.stats.frames < wanted; answers += 25) {
          mallory.together(() => {
            for (let count = 0; count < 25; count++) mallory.socket.send(mutate(pick(frames)))
          })
          // What the server goes on with, it answers, one for one.
          await mallory.answers(answers)
        }
        mallory.socket.terminate()
        sockets.length = 0
      }
    }
    await Promise.all(Array.from({ length: 40 }, attack))
    const tookMs = performance.now() - beganMs
    const { frames: read, closed } = server.stats
    collectGarbage() // what mallory made is in this heap, too
    const grownMiB = (process.memoryUsage().heapUsed - heapBytes) / 2 ** 20
    process.stderr.write(
      `seed ${seed}: ${read} mutated frames on ${connections} connections in ${Math.round(tookMs)} ms, heap ${grownMiB.toFixed(0)} MiB more, closed ${JSON.stringify(closed)}\n`,
    )
    expect(read).toBeGreaterThanOrEqual(wanted)
    expect(closed.frameInvalid).toBeGreaterThan(500)
    expect(grownMiB).toBeLessThan(64)
    const carol = place.person([server.url])
    // Bob takes 200 signals a second from a server; what mallory made it hand over has used them up for the moment.
    const before = bob.received.length
    for (let tries = 0; tries < 200 && bob.received.length === before; tries++) {
      await carol.exchange.send({ to: bobKey.peerId, id: newId(), box: crypto.getRandomValues(new Uint8Array(1152)) })
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(bob.received.length).toBeGreaterThan(before)
    await until(() => server.stats.connections === 2 && server.stats.online === 2)
  }, 60_000)
})
