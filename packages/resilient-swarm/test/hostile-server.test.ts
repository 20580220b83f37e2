import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { concatBytes, decodeBase64Url, decodeHex, encodeBase64Url, encodeHex, type Path, utf8 } from '@resilient-swarm/contract'
import { createKeyPair, publicKeyOf, toDhPublic } from '@resilient-swarm/identity'
import { createNoise } from '@resilient-swarm/identity/noise'
import { sealSignal } from '@resilient-swarm/signal-exchange'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { webrtc } from '@resilient-swarm/webrtc'
import type { Swarm } from '../src/index.ts'
import { createHostileServer, type Frame, type HostileServer } from './hostile-server.ts'
import { connected, createNodes } from './nodes.ts'

const MUTATIONS = 400 // what a client takes from one server at once; ten thousand go to the router in signal-router.test.ts

const nodes = createNodes()
let hostile: HostileServer
let answered: number

/** Counts the attempts that get as far as WebRTC. */
function countingTransport() {
  const real = webrtc()
  return {
    name: real.name,
    dial: real.dial.bind(real),
    listen: (context: Parameters<typeof real.listen>[0]) =>
      real.listen({
        ...context,
        onAttempt: (answer) =>
          context.onAttempt((attempt): Promise<Path> => {
            answered++
            return answer(attempt)
          }),
      }),
  }
}

beforeEach(async () => {
  answered = 0
  hostile = await createHostileServer()
})
afterEach(async () => {
  await nodes.end()
  await hostile.close()
})

async function aliceAndBob(callTimeoutMs = 2_000): Promise<{ alice: Swarm; bob: Swarm }> {
  const alice = nodes.join({ signals: [hostile.url], callTimeoutMs })
  const bob = nodes.join({ signals: [hostile.url], transports: [countingTransport()] })
  await Promise.all([alice.ready, bob.ready])
  return { alice, bob }
}

const asSignal = ({ id, box }: Frame): Frame => ({ type: 'signal', id, box })
const settled = () => new Promise((resolve) => setTimeout(resolve, 300))

describe('a hostile signal server', () => {
  it('that passes everything on is a server like any other: the control', async () => {
    const { alice, bob } = await aliceAndBob(20_000)
    await Promise.all([alice.call(bob.publicKey), connected(bob, alice)])
    expect(answered).toBe(1)
  })

  it(`gets none of ${MUTATIONS} changed boxes to WebRTC`, async () => {
    const { alice, bob } = await aliceAndBob(500)
    hostile.tamper = (frame) => (frame.type === 'signal' ? [] : [frame])
    await expect(alice.call(bob.publicKey)).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' })
    const [captured] = hostile.boxes
    const box = decodeBase64Url(captured?.['box'] as string) as Uint8Array
    const seed = Date.now() >>> 0
    const random = createSeededRandom(seed)
    for (let count = 0; count < MUTATIONS; count++) {
      const changed = box.slice()
      const flips = 1 + Math.floor(random.fraction() * 4)
      for (let flip = 0; flip < flips; flip++) {
        const index = Math.floor(random.fraction() * changed.byteLength)
        changed[index] = (changed[index] as number) ^ (1 << Math.floor(random.fraction() * 8))
      }
      if (changed.every((byte, index) => byte === box[index])) changed[0] = (changed[0] as number) ^ 1
      // under its own id, and under a fresh one, so that nothing is dropped just for having been seen
      const id = count % 2 === 0 ? captured?.['id'] : encodeHex(random.bytes(16))
      hostile.inject({ type: 'signal', id, box: encodeBase64Url(changed) })
      if (count % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await settled()
    process.stdout.write(`mutations of seed ${seed}: ${answered} of ${MUTATIONS} reached WebRTC\n`)
    expect([answered, bob.peers.length]).toEqual([0, 0])
    // and the unchanged box still works: the mutations did not burn its id
    hostile.tamper = (frame) => [frame]
    hostile.inject(asSignal(captured as Frame))
    await settled()
    expect(answered).toBe(1)
  }, 60_000)

  it('gains nothing by replaying boxes', async () => {
    const { alice, bob } = await aliceAndBob(20_000)
    await Promise.all([alice.call(bob.publicKey), connected(bob, alice)])
    const before = answered
    for (let round = 0; round < 50; round++) for (const frame of hostile.boxes) hostile.inject(asSignal(frame))
    await settled()
    expect(answered).toBe(before)
    expect(bob.peers.map(({ publicKey }) => publicKey)).toEqual([alice.publicKey])
  })

  it('cannot deliver a box under another id or to another node', async () => {
    const { alice, bob } = await aliceAndBob(500)
    hostile.tamper = (frame) =>
      frame.type === 'signal' ? [{ ...frame, id: encodeHex(crypto.getRandomValues(new Uint8Array(16))) }] : [frame]
    await expect(alice.call(bob.publicKey)).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' })
    const carol = nodes.join({ signals: [hostile.url], transports: [countingTransport()] })
    await carol.ready
    for (const frame of hostile.boxes) hostile.inject(asSignal(frame))
    await settled()
    expect(carol.peers).toEqual([])
  })

  it('cannot forge a sender: a box that names alice and is sealed by mallory is dropped', async () => {
    const { alice, bob } = await aliceAndBob()
    const mallory = createKeyPair()
    const id = '0'.repeat(31) + '1'
    const content = offerContent()
    // what mallory can seal as himself, opened up and put under alice's name
    const honest = sealSignal({ keyPair: mallory, to: publicKeyOf(bob.publicKey), network: 'public', id, content })
    expect(honest.byteLength).toBeGreaterThan(1024)
    const noise = createNoise({
      pattern: 'X',
      role: 'initiator',
      prologue: prologueOf(bob, id),
      staticKey: { secret: mallory.dhSecret, public: mallory.dhPublic },
      remoteStatic: toDhPublic(publicKeyOf(bob.publicKey)),
    })
    const forged = noise.writeMessage(concatBytes(publicKeyOf(alice.publicKey), new Uint8Array(1024)))
    hostile.inject({ type: 'signal', id, box: encodeBase64Url(forged) })
    await settled()
    expect([answered, bob.peers.length]).toEqual([0, 0])
  })

  it('that puts its own offer or answer in place of a peer’s gets no path under that peer’s key', async () => {
    const { alice, bob } = await aliceAndBob(1_500)
    const mallory = nodes.join({ signals: [hostile.url] })
    await mallory.ready
    const met: string[] = []
    for (const node of [alice, bob]) node.on('peer', (peer) => met.push(peer.publicKey))
    // every box for bob goes to mallory, every box for alice too: what comes back is mallory's own
    hostile.tamper = (frame, direction) =>
      direction === 'to server' && frame.type === 'send' ? [{ ...frame, to: mallory.publicKey }] : [frame]
    await expect(alice.call(bob.publicKey)).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' })
    expect(met).toEqual([])
  })
})

const prologueOf = (bob: Swarm, id: string) => {
  const lp = (bytes: Uint8Array) => concatBytes(Uint8Array.of(bytes.byteLength), bytes)
  return concatBytes(lp(utf8('rs/1/signal')), lp(utf8('public')), lp(publicKeyOf(bob.publicKey)), lp(decodeHex(id)))
}

function offerContent() {
  const attempt = '0'.repeat(32)
  return { attempt, expiresMs: Date.now() + 10_000, signal: { kind: 'offer' as const, sdp: 'v=0', candidates: [] } }
}
