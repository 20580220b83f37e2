import { afterEach, describe, expect, it } from '@jest/globals'
import type { PeerId, RawSubstream, Substream } from '@resilient-swarm/contract'
import { OWN_TYPES } from '../src/own-types.ts'
import type { ConnectedPeer } from '../src/peer.ts'
import { FAST, MIB, nodes, type Person, partedByTheNetwork, transfer } from './path-people.ts'

afterEach(() => nodes.end())

const CRIMES = ['flips a bit', 'drops', 'says twice', 'swaps', 'cuts off'] as const
type Crime = (typeof CRIMES)[number]

/** From its arming on, what the relays do to the bytes that they should only carry: one of them, once. */
interface Mallory {
  arm(): void
  /** Whose relay did it. */
  readonly culprit: () => PeerId | undefined
}

/** Turns relays into mallory: on the relay substreams that they open, whichever is written to first, the crime is committed. */
function corrupt(relays: readonly Person[], crime: Crime): Mallory {
  let isArmed = false
  let culprit: PeerId | undefined
  let held: Uint8Array | undefined

  function write(relay: PeerId, raw: RawSubstream, bytes: Uint8Array): boolean {
    if (held && relay === culprit) {
      const before = held
      held = undefined
      raw.write(bytes)
      return raw.write(before)
    }
    if (!isArmed || culprit) return raw.write(bytes)
    culprit = relay
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

  for (const { swarm } of relays) {
    for (const { multiplexer } of swarm.peers as ConnectedPeer[]) {
      const open = multiplexer.openSubstream.bind(multiplexer)
      multiplexer.openSubstream = (type) => {
        const substream = open(type)
        return type === OWN_TYPES.relay ? tapped(substream, (...words) => write(swarm.publicKey, ...words)) : substream
      }
    }
  }
  return { arm: () => (isArmed = true), culprit: () => culprit }
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
      // Only alice dials circuits: what she sends then goes over a substream that the relay opened.
      let dialler: PeerId | undefined
      const { alice, bob, relays, peer } = await partedByTheNetwork(
        2,
        (others, ends) => {
          dialler = ends.alice.swarm.publicKey
          return corrupt(others, crime)
        },
        { relay: { ...FAST, allow: (from) => from === dialler } },
      )
      const file = await transfer(peer, bob.swarm, 8 * MIB)
      await file.at(MIB)
      relays.arm()
      await file.finish()
      const culprit = relays.culprit()
      expect(culprit).toBeDefined()
      const told = [alice.swarm.why(bob.swarm.publicKey), bob.swarm.why(alice.swarm.publicKey)].flat().map(({ text }) => text)
      expect(told.filter((text) => text.includes(`through ${culprit} was lost`))).not.toEqual([])
      expect(alice.swarm.peers).toContain(peer)
    },
    60_000,
  )
})
