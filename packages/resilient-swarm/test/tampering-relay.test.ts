import { afterEach, describe, expect, it } from '@jest/globals'
import type { RawSubstream, Substream } from '@resilient-swarm/contract'
import { OWN_TYPES } from '../src/own-types.ts'
import type { ConnectedPeer } from '../src/peer.ts'
import { MIB, nodes, type Person, partedByTheNetwork, transfer } from './path-people.ts'

afterEach(() => nodes.end())

const CRIMES = ['flips a bit', 'drops', 'says twice', 'swaps', 'cuts off'] as const
type Crime = (typeof CRIMES)[number]

/** From its arming on, what a relay does once to the bytes that it should only carry. */
interface Mallory {
  arm(): void
  readonly done: () => boolean
}

/** Turns a relay into mallory: the relay substreams that she opens commit the crime. */
function corrupt({ swarm }: Person, crime: Crime): Mallory {
  let isArmed = false
  let isDone = false
  let held: Uint8Array | undefined

  function write(raw: RawSubstream, bytes: Uint8Array): boolean {
    if (held) {
      const before = held
      held = undefined
      raw.write(bytes)
      return raw.write(before)
    }
    if (!isArmed || isDone) return raw.write(bytes)
    isDone = true
    switch (crime) {
      case 'flips a bit': {
        const changed = bytes.slice()
        changed[changed.length - 1] = (changed.at(-1) as number) ^ 1
        return raw.write(changed)
      }
      case 'drops':
        return true
      case 'says twice':
        raw.write(bytes.slice())
        return raw.write(bytes)
      case 'swaps':
        held = bytes.slice()
        return true
      case 'cuts off':
        raw.write(bytes.slice(0, bytes.length >> 1))
        raw.end()
        return false
    }
  }

  for (const { multiplexer } of swarm.peers as ConnectedPeer[]) {
    const open = multiplexer.openSubstream.bind(multiplexer)
    multiplexer.openSubstream = (type) => {
      const substream = open(type)
      return type === OWN_TYPES.relay ? tapped(substream, write) : substream
    }
  }
  return { arm: () => (isArmed = true), done: () => isDone }
}

/** The substream, with somebody between its writer and it. */
function tapped(substream: Substream, write: (raw: RawSubstream, bytes: Uint8Array) => boolean): Substream {
  return onTopOf(substream, {
    raw() {
      const raw = substream.raw()
      return onTopOf(raw, { write: (bytes: Uint8Array) => write(raw, bytes) })
    },
  })
}

function onTopOf<Target extends object>(target: Target, own: Partial<Record<string, unknown>>): Target {
  return new Proxy(target, {
    get(_, name) {
      const value = own[name as string] ?? Reflect.get(target, name, target)
      return typeof value === 'function' && !(name in own) && !String(name).startsWith('on') ? value.bind(target) : value
    },
    set: (_, name, value) => Reflect.set(target, name, value, target),
  })
}

describe('a relay in the middle of a transfer', () => {
  it.each(CRIMES)(
    '%s: her circuit dies, nothing wrong arrives, and the transfer goes on by another',
    async (crime) => {
      const { alice, bob, relays, peer } = await partedByTheNetwork(2, (others) =>
        others.map((other) => ({ key: other.swarm.publicKey, mallory: corrupt(other, crime) })),
      )
      const file = await transfer(peer, bob.swarm, 8 * MIB)
      await file.at(MIB)
      const used = relays.find(({ key }) => key === peer.path.via)
      used?.mallory.arm()
      await file.finish()
      expect(used?.mallory.done()).toBe(true)
      const told = [alice.swarm.why(bob.swarm.publicKey), bob.swarm.why(alice.swarm.publicKey)].flat().map(({ text }) => text)
      expect(told.filter((text) => text.includes(`through ${used?.key} was lost`))).not.toEqual([])
      expect(alice.swarm.peers).toContain(peer)
    },
    60_000,
  )
})
