import { afterEach, describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { BOX_BYTES_MAX, SIGNALS_IN_RATE } from '@resilient-swarm/signal-exchange/protocol'
import type { LocalMember, SignalServer, Sought } from '../src/index.ts'
import { createPlace, newId, until } from './people.ts'

const place = createPlace()
afterEach(() => place.close())
const alice = createKeyPair()

function joinAs(server: SignalServer, keyPair = alice) {
  const received: { readonly id: string; readonly box: Uint8Array }[] = []
  const events = { displaced: 0, sought: [] as Sought[] }
  const member: LocalMember = server.join({
    peerId: keyPair.peerId,
    onSignal: (signal) => received.push(signal),
    onDisplaced: () => events.displaced++,
    onSought: (sought) => events.sought.push(sought),
  })
  return { member, received, events }
}

describe('a member in the process of the server', () => {
  it('is online, and exchanges signals with clients over sockets', async () => {
    const server = await place.server()
    const { member, received } = joinAs(server)
    const bob = place.person([server.url])
    await bob.exchange.ready
    expect(await bob.exchange.lookup([alice.peerId])).toEqual(new Set([alice.peerId]))
    expect(member.lookup([bob.keyPair.peerId, createKeyPair().peerId])).toEqual(new Set([bob.keyPair.peerId]))
    const [there, back] = [newId(), newId()]
    await bob.exchange.send({ to: alice.peerId, id: there, box: new Uint8Array(1152).fill(7) })
    await until(() => received.length === 1)
    expect(received).toEqual([{ id: there, box: new Uint8Array(1152).fill(7) }])
    expect(member.send({ to: bob.keyPair.peerId, id: back, box: new Uint8Array(1152) })).toBe('sent')
    await until(() => bob.received.length === 1)
    expect(bob.received[0]?.id).toBe(back)
  })

  it('hears what cannot be sent, as over a socket', async () => {
    const { member } = joinAs(await place.server())
    expect(member.send({ to: createKeyPair().peerId, id: newId(), box: new Uint8Array(1152) })).toBe('offline')
    expect(member.send({ to: alice.peerId, id: newId(), box: new Uint8Array(BOX_BYTES_MAX) })).toBe('sent')
    expect(member.send({ to: alice.peerId, id: newId(), box: new Uint8Array(BOX_BYTES_MAX + 1) })).toBe('size')
  })

  it('is told which client seeks somebody who is not here, and nothing after it left', async () => {
    const server = await place.server()
    const { member, events } = joinAs(server)
    const bob = place.person([server.url])
    await bob.exchange.ready
    const nobody = createKeyPair().peerId
    const send = (to: PeerId) => bob.exchange.send({ to, id: newId(), box: new Uint8Array(1152) })
    await send(alice.peerId)
    expect(events.sought).toEqual([])
    await expect(send(nobody)).rejects.toMatchObject({ code: 'ERR_SIGNAL_OFFLINE' })
    expect(events.sought).toEqual([{ from: bob.keyPair.peerId, to: nobody }])
    member.leave()
    await expect(send(nobody)).rejects.toMatchObject({ code: 'ERR_SIGNAL_OFFLINE' })
    expect(events.sought).toHaveLength(1)
  })

  it('is not handed more than a client takes', async () => {
    const server = await place.server()
    joinAs(server)
    const { member } = joinAs(server, createKeyPair())
    const send = () => member.send({ to: alice.peerId, id: newId(), box: new Uint8Array(1152) })
    const outcomes = Array.from({ length: SIGNALS_IN_RATE.burst }, send)
    expect(new Set(outcomes)).toEqual(new Set(['sent']))
    const more = Array.from({ length: 200 }, send)
    expect(more).toContain('rate')
  })

  it('gives way to a newer login of its key, and takes the place of an older one', async () => {
    const server = await place.server()
    const { events, received } = joinAs(server)
    const again = place.person([server.url], alice)
    await again.exchange.ready
    expect([events.displaced, server.stats.online]).toEqual([1, 1])
    const third = joinAs(server)
    await until(() => again.exchange.servers[0]?.state === 'displaced')
    third.member.send({ to: alice.peerId, id: newId(), box: new Uint8Array(1152) })
    await until(() => third.received.length === 1)
    expect(received).toEqual([])
  })

  it('hears nothing after it left', async () => {
    const server = await place.server()
    const { member, received } = joinAs(server)
    member.send({ to: alice.peerId, id: newId(), box: new Uint8Array(1152) })
    member.leave()
    member.leave()
    expect(member.send({ to: alice.peerId, id: newId(), box: new Uint8Array(1152) })).toBe('offline')
    await Promise.resolve()
    expect([received, server.stats.online]).toEqual([[], 0])
  })
})
