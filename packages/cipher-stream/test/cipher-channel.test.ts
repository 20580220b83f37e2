import { describe, expect, it } from '@jest/globals'
import { CLOSE_CODES, RECORD_BYTES_MAX, REKEY_AFTER_RECORDS, type SecureChannel } from '@resilient-swarm/cipher-stream'
import { type Channel, type CloseReason, encodeHex, SwarmError } from '@resilient-swarm/contract'
import { createCipherState } from '@resilient-swarm/identity/noise'
import { createChannelPair, createTestRuntime, describeChannelConformance, settle } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { createCipherChannel } from '../src/cipher-channel.ts'
import { UNHEARD_BYTES_MAX } from '../src/limits.ts'
import { fuzz } from './fuzz.ts'
import { ALICE, BOB, securePair } from './secure-pair.ts'
import { slowCipher } from './slow-cipher.ts'

describeChannelConformance('a cipher channel', { create: () => securePair() })
describeChannelConformance('a cipher channel over small messages', { create: () => securePair({ maxMessageBytes: 1100 }) })

const HANDSHAKE_MESSAGES = 3

/** A pair on whose records (counted from 0, both ways) somebody lays hands. */
function tamperedPair(tamper: (record: Uint8Array, index: number) => readonly Uint8Array[]) {
  let count = 0
  return securePair({
    tamper: (message) => (count++ < HANDSHAKE_MESSAGES ? [message] : tamper(message, count - HANDSHAKE_MESSAGES - 1)),
  })
}

function listen(channel: Channel): number[] {
  const heard: number[] = []
  channel.onMessage = (message) => void heard.push(message[0] as number)
  return heard
}

const BAD_RECORD = { by: 'us', code: CLOSE_CODES.badRecord, error: { code: 'ERR_BAD_RECORD' } }

describe('a record that somebody laid hands on', () => {
  type Tamper = (record: Uint8Array, index: number) => readonly Uint8Array[]
  const third =
    (change: (record: Uint8Array) => readonly Uint8Array[]): (() => Tamper) =>
    () =>
    (record, index) =>
      index === 2 ? change(record) : [record]
  const replayLater = (): Tamper => {
    let first: Uint8Array | undefined
    return (record, index) => {
      first ??= record.slice()
      return index === 2 ? [first, record] : [record]
    }
  }
  const swapNeighbours = (): Tamper => {
    let held: Uint8Array = new Uint8Array(0)
    return (record, index) => {
      if (index === 2) held = record
      return index === 2 ? [] : index === 3 ? [record, held] : [record]
    }
  }
  const hands: readonly [string, () => Tamper, readonly number[]][] = [
    ['changed', third((record) => [flipBit(record, 5)]), [0, 1]],
    ['changed in its tag', third((record) => [flipBit(record, record.byteLength * 8 - 1)]), [0, 1]],
    ['dropped', third(() => []), [0, 1]],
    ['repeated', third((record) => [record, record]), [0, 1, 2]],
    ['replayed later', replayLater, [0, 1]],
    ['swapped with its neighbour', swapNeighbours, [0, 1]],
    ['cut to nothing', third(() => [new Uint8Array(0)]), [0, 1]],
    ['cut by a byte', third((record) => [record.subarray(1)]), [0, 1]],
    ['made longer', third((record) => [Uint8Array.from([...record, 0])]), [0, 1]],
    ['made longer than any', third(() => [new Uint8Array(RECORD_BYTES_MAX + 1)]), [0, 1]],
  ]
  it.each(hands)('ends the path with a number when it was %s, after the good ones before it', async (_, tamper, expected) => {
    const { alice, bob } = await tamperedPair(tamper())
    const heard = listen(bob)
    for (let index = 0; index < 5; index++) alice.send(Uint8Array.of(index))
    expect(await bob.closed).toMatchObject(BAD_RECORD)
    expect(await alice.closed).toMatchObject({ by: 'peer', code: CLOSE_CODES.badRecord, error: { code: 'ERR_TRUNCATED' } })
    expect(heard).toEqual(expected)
  })

  it('ends the path when it is her own that comes back to alice', async () => {
    const { alice, lower } = await securePair()
    const send = lower[0].send.bind(lower[0])
    let own: Uint8Array | undefined
    lower[0].send = (record) => {
      own = record.slice()
      return send(record)
    }
    alice.send(Uint8Array.of(1))
    lower[1].send(own as Uint8Array)
    expect(await alice.closed).toMatchObject(BAD_RECORD)
  })

  it('ends the path when it was sealed for another path of the same two', async () => {
    const [one, other] = [await securePair(), await securePair({}, { runtime: createTestRuntime({ seed: 9 }) })]
    const records: Uint8Array[] = []
    one.lower[0].send = (record) => records.push(record) > 0
    one.alice.send(Uint8Array.of(1))
    other.lower[0].send(records[0] as Uint8Array)
    expect(await other.bob.closed).toMatchObject(BAD_RECORD)
  })

  it('is never delivered, whatever was done to it', async () => {
    const receiver = slowReceiver()
    const good = receiver.seal(Uint8Array.of(1, 2, 3))
    const bent = fc.tuple(fc.nat(good.byteLength - 1), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
      const bytes = good.slice()
      bytes[at] = (bytes[at] as number) ^ change
      return bytes
    })
    fuzz(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), bent), (record) => {
        const { channel, lower } = slowReceiver()
        const heard = listen(channel)
        lower.onMessage(record)
        expect(heard).toEqual([])
        expect(lower.isClosed()).toBe(true)
      }),
    )
    const heard = listen(receiver.channel)
    receiver.lower.onMessage(good)
    expect(heard).toEqual([1])
  })
})

describe('the end of a cipher channel', () => {
  it('is truncation, and retryable, when the path ends without the sealed CLOSE', async () => {
    for (const end of ['close', 'abort'] as const) {
      const { alice, lower } = await securePair()
      if (end === 'close') lower[1].close()
      else lower[1].abort(new SwarmError('Gone.', { code: 'ERR_GONE' }))
      const { error, code, by } = await alice.closed
      expect({ by, code }).toEqual({ by: 'peer', code: CLOSE_CODES.truncated })
      expect(error).toMatchObject({ code: 'ERR_TRUNCATED', retryable: true })
    }
  })

  it('is truncation when mallory swallows the CLOSE', async () => {
    const { alice, bob } = await tamperedPair((record) => (record.byteLength === 18 ? [] : [record]))
    const heard = listen(bob)
    alice.send(Uint8Array.of(1))
    alice.close()
    expect(await bob.closed).toMatchObject({ code: CLOSE_CODES.truncated, error: { code: 'ERR_TRUNCATED' } })
    expect(heard).toEqual([1])
  })

  it('cannot be faked by a message of two bytes, nor a message by a CLOSE', async () => {
    const { alice, bob } = await securePair()
    const heard = listen(bob)
    alice.send(Uint8Array.of(0, 0))
    alice.send(Uint8Array.of(1))
    await settle()
    expect(heard).toEqual([0, 1])
    alice.close()
    expect(await bob.closed).toMatchObject({ by: 'peer', code: 0 })
    expect(heard).toEqual([0, 1])
  })

  it('tells the code that a layer above gave, from 0 to 65,535', async () => {
    for (const code of [0, 1, 255, 256, 65_535]) {
      const { alice, bob } = await securePair()
      const error = new SwarmError('We do not want to.', { code: 'ERR_NO' })
      alice.close({ by: 'us', code, ...(code === 1 ? { error } : {}) })
      expect(await alice.closed).toEqual({ by: 'us', code, ...(code === 1 ? { error } : {}) })
      expect(await bob.closed).toEqual({ by: 'peer', code })
    }
    const { alice } = await securePair()
    for (const code of [-1, 65_536, 0.5, Number.NaN]) expect(() => alice.close({ by: 'us', code })).toThrow(RangeError)
  })

  it('waits for a listener when messages came before it', async () => {
    const { alice, bob } = await securePair()
    alice.send(Uint8Array.of(7))
    alice.close()
    await alice.closed
    let reason: CloseReason | undefined
    void bob.closed.then((ended) => {
      reason = ended
    })
    await settle()
    expect(reason).toBeUndefined()
    expect(listen(bob)).toEqual([7])
    expect(await bob.closed).toEqual({ by: 'peer', code: 0 })
  })

  it('is agreed on when both close at once', async () => {
    const { alice, bob } = await securePair()
    alice.close()
    bob.close()
    expect([await alice.closed, await bob.closed]).toEqual([
      { by: 'us', code: 0 },
      { by: 'us', code: 0 },
    ])
  })

  it('says nothing more after the CLOSE of the peer', async () => {
    const { alice, bob } = await securePair()
    alice.close()
    await bob.closed
    expect(bob.send(Uint8Array.of(1))).toBe(false)
  })

  it('ends the channel below whoever ends first', async () => {
    const { alice, lower } = await securePair()
    alice.close()
    expect(await lower[0].closed).toMatchObject({ code: 0 })
    expect((await lower[1].closed).error).toBeUndefined()
  })

  it('carries the error of a path that broke while the CLOSE was on its way', async () => {
    const { alice, lower } = await securePair()
    const lost = new SwarmError('Gone.', { code: 'ERR_GONE' })
    alice.close()
    lower[0].abort(lost)
    expect((await alice.closed).error).toBe(lost)
  })
})

describe('messages before anybody listens', () => {
  const size = RECORD_BYTES_MAX / 2
  const flood = async (count: number, last = 0) => {
    const pair = await securePair()
    for (let index = 0; index < count; index++) pair.alice.send(new Uint8Array(size).fill(1))
    if (last > 0) pair.alice.send(new Uint8Array(last))
    await settle()
    return pair
  }

  it('wait up to the limit', async () => {
    const { bob } = await flood(UNHEARD_BYTES_MAX / size)
    expect(listen(bob)).toHaveLength(UNHEARD_BYTES_MAX / size)
  })

  it('end the path with a number beyond it', async () => {
    const { alice, bob } = await flood(UNHEARD_BYTES_MAX / size, 1)
    expect(await bob.closed).toMatchObject({ by: 'us', code: CLOSE_CODES.unheard, error: { code: 'ERR_UNHEARD' } })
    expect(await alice.closed).toMatchObject({ by: 'peer', code: CLOSE_CODES.unheard, error: { code: 'ERR_TRUNCATED' } })
    expect(listen(bob)).toEqual([])
  })
})

describe('the keys of records', () => {
  it('are replaced after 65,536 records, exactly as the slow twin does it', async () => {
    const { channel, lower, outgoing, seal } = slowReceiver()
    const heard = listen(channel)
    for (let index = 0; index < REKEY_AFTER_RECORDS + 3; index++) {
      const message = Uint8Array.of(index & 0xff)
      lower.onMessage(seal(message))
      channel.send(message)
      const sent = lower.sent.pop() as Uint8Array
      if (index < 3 || index >= REKEY_AFTER_RECORDS - 3) expect(encodeHex(sent)).toBe(encodeHex(outgoing.seal(message)))
      else outgoing.skip()
    }
    expect(heard).toHaveLength(REKEY_AFTER_RECORDS + 3)
  })
})

it('is at most 16 KiB a record, with 16 bytes of seal', async () => {
  const pair = createChannelPair({ maxMessageBytes: 1024 * 1024 })
  expect(pair[0].maxMessageBytes).toBe(1024 * 1024)
  const { alice } = await securePair({ maxMessageBytes: 1024 * 1024 })
  expect(alice.maxMessageBytes).toBe(16 * 1024 - 16)
})

/** A receiver with known keys, over a channel that is only looked at. */
function slowReceiver() {
  const keys = { in: new Uint8Array(32).fill(1), out: new Uint8Array(32).fill(2) }
  const sent: Uint8Array[] = []
  let closedBelow = false
  const lower = {
    sent,
    isClosed: () => closedBelow,
    maxMessageBytes: 16 * 1024,
    send: (record: Uint8Array) => sent.push(record) > 0,
    onMessage: (_: Uint8Array) => {},
    onDrain: () => {},
    close: () => {
      closedBelow = true
    },
    abort: () => {},
    closed: new Promise<CloseReason>(() => {}),
  }
  const incoming = slowCipher(keys.in)
  const channel: SecureChannel = createCipherChannel(lower, {
    remotePublicKey: BOB.publicKey,
    remoteTimeMs: 0,
    handshakeHash: ALICE.publicKey,
    send: createCipherState({ key: keys.out }),
    receive: createCipherState({ key: keys.in }),
  })
  return { channel, lower, outgoing: slowCipher(keys.out), seal: incoming.seal }
}

function flipBit(record: Uint8Array, bit: number): Uint8Array {
  const changed = record.slice()
  changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
  return changed
}
