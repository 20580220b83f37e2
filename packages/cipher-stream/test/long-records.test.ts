import { describe, expect, it } from '@jest/globals'
import { CLOSE_CODES } from '@resilient-swarm/cipher-stream'
import type { Channel } from '@resilient-swarm/contract'
import { type Engine, nobleEngine } from '@resilient-swarm/identity/engine'
import { type CipherState, createCipherState } from '@resilient-swarm/identity/noise'
import { type ChannelPairOptions, createChannelPair, describeChannelConformance, settle } from '@resilient-swarm/testkit'
import { createCipherChannel } from '../src/cipher-channel.ts'
import { OPENING_BYTES_MAX, SEALING_BYTES_HIGH, SEALING_BYTES_LOW, SEALING_BYTES_MAX } from '../src/limits.ts'
import { ALICE, BOB } from './secure-pair.ts'

const LONG = 16 * 1024 - 16
const NO_AD = new Uint8Array(0)

/** noble beside the thread: every other answer comes some turns later, or none until `release`. */
function lateEngine({ held = false } = {}) {
  let release: () => void = () => {}
  const released = held ? new Promise<void>((resolve) => (release = resolve)) : Promise.resolve()
  let count = 0
  const late = async <Value>(value: Value): Promise<Value> => {
    const turns = count++ % 2 === 0 ? 7 : 0
    await released
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    return value
  }
  const engine: Engine = {
    ...nobleEngine,
    async createLongAead(key) {
      const aead = nobleEngine.createAead(key)
      return { seal: (...input) => late(aead.seal(...input)), open: (...input) => late(aead.open(...input)) }
    },
  }
  return { engine, release: () => release() }
}

/** Both of its ends have spent the first message, and know their long cipher. */
async function warmState(fill: number, engine: Engine): Promise<CipherState> {
  const state = createCipherState({ key: new Uint8Array(32).fill(fill), engine })
  state.encryptSoon(NO_AD, new Uint8Array(LONG))
  await settle()
  return state
}

async function longPair(options: ChannelPairOptions & { engine?: Engine } = {}) {
  const { engine = lateEngine().engine } = options
  const lower = createChannelPair(options)
  const secure = async (channel: Channel, other: typeof ALICE, [send, receive]: readonly [number, number]) =>
    createCipherChannel(channel, {
      remotePublicKey: other.publicKey,
      remoteTimeMs: 0,
      handshakeHash: new Uint8Array(32),
      send: await warmState(send, engine),
      receive: await warmState(receive, engine),
    })
  return { alice: await secure(lower[0], BOB, [1, 2]), bob: await secure(lower[1], ALICE, [2, 1]), lower }
}

describeChannelConformance('a cipher channel with a cipher beside the thread', { create: () => longPair() })

function listen(channel: Channel): number[] {
  const heard: number[] = []
  channel.onMessage = (message) => void heard.push(message[0] as number)
  return heard
}

const message = (fill: number, size = LONG) => new Uint8Array(size).fill(fill)

describe('records that are sealed and opened beside the thread', () => {
  it('keep their order among short ones, and the end comes after all of them', async () => {
    const { alice, bob } = await longPair()
    const heard = listen(bob)
    for (const [fill, size] of [LONG, 1, LONG, LONG, 2, LONG].entries()) alice.send(message(fill, size))
    alice.close()
    expect(await bob.closed).toEqual({ by: 'peer', code: 0 })
    expect(await alice.closed).toEqual({ by: 'us', code: 0 })
    expect(heard).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('end the path where one was changed, after the good ones before it', async () => {
    let count = 0
    const bend = (record: Uint8Array) => record.map((byte, at) => (at === 9 ? byte ^ 1 : byte))
    const { alice, bob } = await longPair({ tamper: (record) => [count++ === 2 ? bend(record) : record] })
    const heard = listen(bob)
    for (let fill = 0; fill < 5; fill++) alice.send(message(fill))
    expect(await bob.closed).toMatchObject({ by: 'us', code: CLOSE_CODES.badRecord, error: { code: 'ERR_BAD_RECORD' } })
    expect(await alice.closed).toMatchObject({ by: 'peer', code: CLOSE_CODES.badRecord })
    expect(heard).toEqual([0, 1])
  })

  it('make send say false at SEALING_BYTES_HIGH, and drain at SEALING_BYTES_LOW', async () => {
    const { engine, release } = lateEngine({ held: true })
    const { alice } = await longPair({ engine, highWaterBytes: 1024 * 1024 })
    let drains = 0
    alice.onDrain = () => void drains++
    expect(alice.send(message(1, SEALING_BYTES_LOW / 4))).toBe(true)
    for (let bytes = SEALING_BYTES_LOW / 4; bytes < SEALING_BYTES_HIGH - SEALING_BYTES_LOW / 4; bytes += SEALING_BYTES_LOW / 4)
      expect(alice.send(message(2, SEALING_BYTES_LOW / 4))).toBe(true)
    expect(alice.send(message(3, SEALING_BYTES_LOW / 4))).toBe(false)
    await settle()
    expect(drains).toBe(0)
    release()
    await settle()
    expect(drains).toBe(1)
  })

  it('refuse a sender that ignores false, once SEALING_BYTES_MAX wait', async () => {
    const { alice } = await longPair({ engine: lateEngine({ held: true }).engine })
    for (let bytes = 0; bytes < SEALING_BYTES_MAX; bytes += 8192) alice.send(message(1, 8192))
    expect(() => alice.send(message(1, 8192))).toThrow(RangeError)
  })

  it('end the path of a peer that sends more than OPENING_BYTES_MAX faster than it is opened', async () => {
    const { bob, lower } = await longPair({ engine: lateEngine({ held: true }).engine })
    let closed = false
    void bob.closed.then(() => (closed = true))
    const record = message(1, 16 * 1024)
    for (let bytes = 0; bytes < OPENING_BYTES_MAX; bytes += record.byteLength) lower[0].send(record)
    await settle()
    expect(closed).toBe(false)
    lower[0].send(Uint8Array.of(1))
    expect(await bob.closed).toMatchObject({ by: 'us', code: CLOSE_CODES.unheard, error: { code: 'ERR_UNHEARD' } })
  })

  it('are forgotten by an abort', async () => {
    const { engine, release } = lateEngine({ held: true })
    const { alice, lower } = await longPair({ engine })
    let sent = 0
    lower[0].send = () => ++sent > 0
    alice.send(message(1))
    alice.abort(Object.assign(new Error('Over.'), { code: 'ERR_OVER', retryable: false }) as never)
    release()
    await settle()
    expect(sent).toBe(0)
  })
})
