import { describe, expect, it } from '@jest/globals'
import protocol from 'dnode-protocol'
import fc from 'fast-check'
import { callbackEntry, cullLine, encodeValues, requestLine, toAscii } from '../src/encode.ts'
import { parseLine } from '../src/guard.ts'
import { RPC_LIMITS } from '../src/limits.ts'

const encode = (...values: unknown[]) => encodeValues(values, RPC_LIMITS)
const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) })

describe('encodeValues', () => {
  it('writes JSON in ASCII', () => {
    expect(encode(1, 'å🐝', [null], { a: undefined }).text).toBe('[1,"\\u00e5\\ud83d\\udc1d",[null],{}]')
    expect(JSON.parse(encode('å🐝').text)).toEqual(['å🐝'])
  })

  it('finds functions wherever they stand', () => {
    const call = () => {}
    expect(encode(call, { a: [1, call] })).toEqual({
      text: '["[Function]",{"a":[1,"[Function]"]}]',
      functions: [
        { path: ['0'], call },
        { path: ['1', 'a', '1'], call },
      ],
    })
  })

  it('sends what toJSON says', () => {
    expect(encode(new Date(0)).text).toBe('["1970-01-01T00:00:00.000Z"]')
    const itself = {
      a: 1,
      toJSON() {
        return this
      },
    }
    expect(encode(itself, 2).text).toBe(
      JSON.stringify([itself, 2], (_key, value) => (typeof value === 'function' ? '[Function]' : value)),
    )
  })

  it('refuses what does not travel with a TypeError', () => {
    for (const value of [
      1n,
      [1n],
      new Uint8Array(1),
      { a: new ArrayBuffer(1) },
      JSON.parse('{"__proto__":1}'),
      { constructor: 1 },
      [{ prototype: 1 }],
    ]) {
      expect(() => encode(value)).toThrow(TypeError)
    }
  })

  it('takes values nested to the limit, and refuses deeper and circular ones with a RangeError', () => {
    const deepest = RPC_LIMITS.depthMax - 2
    expect(() => encode(nested(deepest))).not.toThrow()
    expect(() => encode(nested(deepest + 1))).toThrow(RangeError)
    const circular: Record<string, unknown> = {}
    circular.self = circular
    expect(() => encode(circular)).toThrow(RangeError)
  })

  it('is at its limit where the guard is', () => {
    const { text } = encode(nested(RPC_LIMITS.depthMax - 2))
    expect(parseLine(requestLine('sum', text, ''), RPC_LIMITS)).toMatchObject({ method: 'sum' })
  })
})

describe('a line of ours says what a line of dnode-protocol 0.2.2 says', () => {
  const seed = Date.now() & 0x7fffffff
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', maxDepth: 4 },
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constant('FUNCTION'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'ü', '0'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  }))
  const withFunctions = (part: unknown): unknown => {
    if (part === 'FUNCTION') return () => {}
    if (Array.isArray(part)) return part.map(withFunctions)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([name, item]) => [name, withFunctions(item)]))
  }

  it(`for any values (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 3 }), (parts) => {
        const values = parts.map(withFunctions)
        const theirs: string[] = []
        const plain = protocol({})
        plain.on('request', (request) => theirs.push(toAscii(JSON.stringify(request))))
        plain.request('sum', values)
        const { text, functions } = encodeValues(values, RPC_LIMITS)
        const ours = requestLine('sum', text, functions.map(({ path }, id) => callbackEntry(id, path)).join(','))
        expect([ours]).toEqual(theirs)
        const parsed = parseLine(ours, RPC_LIMITS)
        expect(parsed).toMatchObject({ references: functions.map(({ path }, id) => ({ id, path })) })
      }),
      { seed, numRuns: 1000 },
    )
  })

  it('for a cull', () => {
    const plain = protocol({})
    const theirs: string[] = []
    plain.on('request', (request) => theirs.push(JSON.stringify(request)))
    plain.cull(7)
    expect(theirs).toEqual([cullLine([7])])
  })
})
