// What a relay costs: µs of one processor for a message at the relay alone, and beside it the three multiplexers' worth of a
// whole circuit in memory. Build first: npm run build.

import { createRuntime } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createMultiplexer, toChannel } from '@resilient-swarm/multiplexer'
import { createRelay } from '@resilient-swarm/relay'

const ROUNDS = 9
const MESSAGES = 8_000
const MESSAGE_BYTES = 16 * 1024
const runtime = createRuntime()
const [alice, bob, ruth] = [createKeyPair(), createKeyPair(), createKeyPair()]
const options = { runtime, isDirect: () => true, judgeIncoming: () => 'accept', onCircuit() {} }

/** A substream whose far end is the bench: writes are counted and dropped. */
function createLeg(onWrite = () => {}) {
  const raw = {
    write: (bytes) => {
      onWrite(bytes)
      return true
    },
    consume() {},
    end() {},
    reset() {},
    onBytes() {},
    onEnd() {},
    onDrain() {},
  }
  return { raw, substream: { type: 'relay', raw: () => raw, reset() {}, closed: new Promise(() => {}) } }
}

/** A channel pair in memory that hands messages over in the same turn, without a copy. */
function createEnds() {
  const create = () => ({
    maxMessageBytes: MESSAGE_BYTES,
    onMessage() {},
    onDrain() {},
    close() {},
    abort() {},
    closed: new Promise(() => {}),
  })
  const [left, right] = [create(), create()]
  const connect = (from, to) => {
    from.send = (message) => {
      to.onMessage(message)
      return true
    }
  }
  connect(left, right)
  connect(right, left)
  return [left, right]
}

function frame(type, payload) {
  const length = payload.byteLength
  const header =
    length < 0x80
      ? [type, length]
      : length < 0x4000
        ? [type, (length & 0x7f) | 0x80, length >> 7]
        : [type, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14]
  return Uint8Array.from([...header, ...payload])
}

/** The relay alone: chunks as a multiplexer hands them over go in, and writes come out. */
function createRelayAlone(limits) {
  let writtenBytes = 0
  const target = createLeg((bytes) => {
    writtenBytes += bytes.byteLength
  })
  const relay = createRelay({ ...options, self: ruth.peerId, serve: true, limits, openSubstream: () => target.substream })
  const dialler = createLeg()
  relay.receive(alice.peerId, dialler.substream)
  dialler.raw.onBytes(frame(1, Uint8Array.from([...bob.publicKey, ...new Uint8Array(16)])))
  target.raw.onBytes(Uint8Array.of(3, 0))
  if (relay.counters.circuits !== 1) throw new Error('the circuit does not stand')
  return { receive: (chunk) => dialler.raw.onBytes(chunk), written: () => writtenBytes }
}

/** Frames of `byteCount`, one behind the other, cut into chunks of at most 16 KiB less a multiplexer's header. */
function createChunks(byteCount) {
  const one = frame(5, new Uint8Array(byteCount))
  const count = Math.ceil((4 * 1024 * 1024) / one.byteLength)
  const all = new Uint8Array(one.byteLength * count)
  for (let index = 0; index < count; index++) all.set(one, index * one.byteLength)
  const chunks = []
  for (let offset = 0; offset < all.byteLength; offset += 16_379) chunks.push(all.subarray(offset, offset + 16_379))
  return { chunks, count }
}

async function createCircuitInMemory() {
  const sessions = { alice: new Map(), bob: new Map(), ruth: new Map() }
  const keys = { alice, bob, ruth }
  let received = () => {}
  const create = (name) =>
    createRelay({
      ...options,
      self: keys[name].peerId,
      serve: name === 'ruth',
      limits: { bytesPerSecondMax: Number.POSITIVE_INFINITY },
      openSubstream: (peer) => sessions[name].get(peer)?.openSubstream('relay'),
      onCircuit: ({ circuit }) => {
        circuit.channel.onMessage = (message) => received(message, circuit.channel)
      },
    })
  const nodes = { alice: create('alice'), bob: create('bob'), ruth: create('ruth') }
  for (const name of ['alice', 'bob']) {
    const [mine, ruths] = createEnds()
    for (const [own, other, channel] of [
      [name, 'ruth', mine],
      ['ruth', name, ruths],
    ]) {
      const onSubstream = (substream) => nodes[own].receive(keys[other].peerId, substream)
      sessions[own].set(keys[other].peerId, createMultiplexer({ channel, role: 'initiator', runtime, onSubstream }))
    }
  }
  await undefined
  const { channel } = await nodes.alice.dial({ relay: ruth.peerId, target: bob.peerId })
  return {
    channel,
    onReceived: (listener) => {
      received = listener
    },
  }
}

/** The same without a relay between: one substream as a channel. */
function createDirect() {
  const [mine, theirs] = createEnds()
  let received = () => {}
  const onSubstream = (substream) => {
    const channel = toChannel(substream)
    channel.onMessage = (message) => received(message, channel)
  }
  createMultiplexer({ channel: theirs, role: 'responder', runtime, onSubstream })
  const own = createMultiplexer({ channel: mine, role: 'initiator', runtime, onSubstream() {} })
  return {
    channel: toChannel(own.openSubstream('relay')),
    onReceived: (listener) => {
      received = listener
    },
  }
}

function pourThrough({ channel, onReceived }, byteCount) {
  return new Promise((resolve) => {
    let arrived = 0
    let sent = 0
    onReceived(() => {
      if (++arrived === MESSAGES) resolve()
    })
    const go = () => {
      while (sent < MESSAGES) {
        sent++
        if (!channel.send(new Uint8Array(byteCount))) return
      }
    }
    channel.onDrain = go
    go()
  })
}

function pingPong({ channel, onReceived }, count) {
  return new Promise((resolve) => {
    let turns = 0
    onReceived((message, back) => back.send(message))
    channel.onMessage = (message) => {
      if (++turns === count) resolve()
      else channel.send(message)
    }
    channel.send(new Uint8Array(50))
  })
}

async function measure(work) {
  const times = []
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now()
    await work()
    times.push((performance.now() - startMs) * 1000)
  }
  return times.toSorted((one, other) => one - other)[Math.floor(ROUNDS / 2)]
}

for (const [title, limits] of [
  ['no rate', { bytesPerSecondMax: Number.POSITIVE_INFINITY }],
  ['a rate that is never reached', { bytesPerSecondMax: 2 ** 50, burstBytesMax: 2 ** 50 }],
]) {
  for (const byteCount of [100, 1_024, MESSAGE_BYTES]) {
    const relay = createRelayAlone(limits)
    const { chunks, count } = createChunks(byteCount)
    const us = await measure(() => {
      for (const chunk of chunks) relay.receive(chunk)
    })
    console.log(
      `relay alone, ${title}, ${byteCount} bytes: ${(us / count).toFixed(3)} µs a message, ${((count * byteCount) / us).toFixed(0)} MB/s`,
    )
  }
}
for (const [title, pair] of [
  ['one substream in memory, direct', createDirect()],
  ['a circuit in memory, all three nodes on one core', await createCircuitInMemory()],
]) {
  const us = await measure(() => pourThrough(pair, MESSAGE_BYTES))
  const rate = ((MESSAGES * MESSAGE_BYTES) / us).toFixed(0)
  console.log(`${title}, ${MESSAGE_BYTES} bytes: ${(us / MESSAGES).toFixed(1)} µs a message, ${rate} MB/s`)
  const roundTripUs = (await measure(() => pingPong(pair, 5_000))) / 5_000
  console.log(`  a round trip of 50 bytes: ${roundTripUs.toFixed(1)} µs`)
}
process.exit(0)
