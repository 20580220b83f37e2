import { describe, expect, it } from '@jest/globals'
import { createKeyPair } from '@resilient-swarm/identity'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { DOORS_MAX, MET_MAX } from '../src/limits.ts'
import { encodeMemory, type Memory, parseMemory } from '../src/memory.ts'

const alice = createKeyPair().peerId
const memory: Memory = {
  doors: [
    { url: 'ws://a.example/', peer: alice, worked: true },
    { url: 'ws://b.example/', worked: false },
  ],
  met: [alice],
}

describe('what a node remembers', () => {
  it('comes back as it was', () => {
    expect(parseMemory(encodeMemory(memory))).toEqual(memory)
  })

  it.each([
    ['nothing', ''],
    ['a torn half', encodeMemory(memory).slice(0, 60)],
    ['null', 'null'],
    ['a number', '7'],
    ['no lists', '{"version":1}'],
    ['another version', encodeMemory(memory).replace('"version":1', '"version":2')],
    ['a door that is no URL', encodeMemory(memory).replace('ws://a.example/', 'http://a.example/')],
    ['a door in another spelling', encodeMemory(memory).replace('ws://a.example/', 'ws://A.example')],
    ['a door of nobody’s key', encodeMemory(memory).replace(alice, 'rs1nobody')],
    ['a door that worked perhaps', encodeMemory(memory).replace('true', '1')],
    ['a met peer that is none', encodeMemory({ ...memory, met: ['__proto__' as never] })],
  ])('is none: %s', (_, text) => {
    expect(parseMemory(text)).toBeUndefined()
  })

  it('is none or a memory, whatever became of the file', () => {
    const seed = Date.now() & 0x7fff_ffff
    const random = createSeededRandom(seed)
    const below = (count: number) => Math.floor(random.fraction() * count)
    const odd = ['null', '1e999', '{}', '[]', '"__proto__"', '{"__proto__":{"worked":true}}', 'true', '""', '[[[[', '"ws://b/"']
    for (let run = 0; run < 3_000; run++) {
      let text = encodeMemory(memory)
      for (let changes = 1 + below(3); changes > 0; changes--) {
        const at = below(text.length)
        let seen = -1
        const place = below(14)
        if (below(2) === 0) text = text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + below(3))
        else
          text = text.replace(/(?<=[:[,])("[^"]*"|\d+|true|false)/g, (found) =>
            ++seen === place ? (odd[below(odd.length)] as string) : found,
          )
      }
      const parsed = parseMemory(text)
      if (parsed) expect([seed, parseMemory(encodeMemory(parsed))]).toEqual([seed, parsed])
    }
  })

  it('is cut to what a node keeps', () => {
    const doors = Array.from({ length: DOORS_MAX + 1 }, (_, index) => ({ url: `ws://door-${index}.example/`, worked: true }))
    const met = Array.from({ length: MET_MAX + 1 }, () => createKeyPair().peerId)
    expect(parseMemory(encodeMemory({ doors, met }))).toEqual({ doors: doors.slice(0, DOORS_MAX), met: met.slice(0, MET_MAX) })
  })
})
