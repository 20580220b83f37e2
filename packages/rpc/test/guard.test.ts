import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { CLOSE_CODES } from '../src/close-codes.ts'
import { parseLine } from '../src/guard.ts'
import { RPC_LIMITS } from '../src/limits.ts'

const line = (parts: object): string => JSON.stringify({ method: 'sum', arguments: [], callbacks: {}, links: [], ...parts })
const parse = (text: string) => parseLine(text, RPC_LIMITS)
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
const placeholders = (count: number) => ({
  arguments: Array.from({ length: count }, () => '[Function]'),
  callbacks: Object.fromEntries(Array.from({ length: count }, (_, index) => [index, [String(index)]])),
})

const refused: readonly (readonly [title: string, text: string, code: keyof typeof CLOSE_CODES])[] = [
  ['an empty line', '', 'notJson'],
  ['half a line', '{"method":"sum"', 'notJson'],
  ['a byte order mark', `\ufeff${line({})}`, 'notJson'],
  ['null', 'null', 'badShape'],
  ['a number', '7', 'badShape'],
  ['a list', '[]', 'badShape'],
  ['no method', '{"arguments":[],"callbacks":{},"links":[]}', 'badShape'],
  ['a method that is null', line({ method: null }), 'badShape'],
  ['a method that is an object', line({ method: {} }), 'badShape'],
  ['a negative method', line({ method: -1 }), 'badShape'],
  ['a fraction for a method', line({ method: 0.5 }), 'badShape'],
  ['a method beyond 2^53', line({ method: 0 }).replace('0', '9007199254740992'), 'badShape'],
  ['an endless method', line({ method: 0 }).replace('0', '1e999'), 'badShape'],
  ['arguments that are an object', line({ arguments: {} }), 'badShape'],
  ['no arguments', '{"method":"sum","callbacks":{},"links":[]}', 'badShape'],
  ['callbacks that are a list', line({ callbacks: [] }), 'badShape'],
  ['callbacks that are null', line({ callbacks: null }), 'badShape'],
  ['no callbacks', '{"method":"sum","arguments":[],"links":[]}', 'badShape'],
  ['no links', '{"method":"sum","arguments":[],"callbacks":{}}', 'badShape'],
  ['links that are an object', line({ links: {} }), 'badShape'],
  ['a link', line({ links: [{ from: ['0'], to: ['1'] }] }), 'badShape'],
  ['a fifth key', line({ extra: 1 }), 'badShape'],
  ['the short form for a method that is not cull', '{"method":"sum","arguments":[]}', 'badShape'],
  ['__proto__ as a key', '{"method":"sum","arguments":[{"__proto__":{}}],"callbacks":{},"links":[]}', 'forbiddenKey'],
  ['an escaped __proto__', '{"method":"sum","arguments":[{"\\u005f_proto__":1}],"callbacks":{},"links":[]}', 'forbiddenKey'],
  ['constructor as a key', line({ arguments: [[{ a: { constructor: 1 } }]] }), 'forbiddenKey'],
  ['prototype as a key', line({ arguments: [{ prototype: null }] }), 'forbiddenKey'],
  ['__proto__ among the callbacks', '{"method":"sum","arguments":[],"callbacks":{"__proto__":["0"]},"links":[]}', 'forbiddenKey'],
  ['__proto__ beside the method', '{"method":"sum","arguments":[],"callbacks":{},"links":[],"__proto__":{}}', 'forbiddenKey'],
  ['a path over __proto__', line({ arguments: [{}], callbacks: { 0: ['0', '__proto__', 'x'] } }), 'forbiddenKey'],
  ['a path over constructor', line({ arguments: [{}], callbacks: { 0: ['0', 'constructor'] } }), 'forbiddenKey'],
  ['a callback id that is a word', line({ arguments: ['[Function]'], callbacks: { a: ['0'] } }), 'badCallback'],
  ['a negative callback id', line({ arguments: ['[Function]'], callbacks: { '-1': ['0'] } }), 'badCallback'],
  ['a callback id with a leading zero', line({ arguments: ['[Function]'], callbacks: { '01': ['0'] } }), 'badCallback'],
  ['a callback id in another spelling', line({ arguments: ['[Function]'], callbacks: { '1e9': ['0'] } }), 'badCallback'],
  ['a callback id beyond 2^53', line({ arguments: ['[Function]'], callbacks: { '9007199254740992': ['0'] } }), 'badCallback'],
  ['a path that is text', line({ arguments: ['[Function]'], callbacks: { 0: '0' } }), 'badCallback'],
  ['an empty path', line({ arguments: ['[Function]'], callbacks: { 0: [] } }), 'badCallback'],
  ['a path of null', line({ arguments: ['[Function]'], callbacks: { 0: [null] } }), 'badCallback'],
  ['a path of a list', line({ arguments: ['[Function]'], callbacks: { 0: [['0']] } }), 'badCallback'],
  ['a path to the first place behind the arguments', line({ arguments: ['[Function]'], callbacks: { 0: ['1'] } }), 'badCallback'],
  ['a path to a far place', line({ arguments: ['[Function]'], callbacks: { 0: ['1000000000'] } }), 'badCallback'],
  ['a path to a negative place', line({ arguments: ['[Function]'], callbacks: { 0: ['-1'] } }), 'badCallback'],
  ['a path to a place in another spelling', line({ arguments: ['[Function]'], callbacks: { 0: ['00'] } }), 'badCallback'],
  ['a path to the length', line({ arguments: ['[Function]'], callbacks: { 0: ['length'] } }), 'badCallback'],
  ['a path to an inherited method', line({ arguments: ['[Function]'], callbacks: { 0: ['map'] } }), 'badCallback'],
  ['a path to an inherited key', line({ arguments: [{}], callbacks: { 0: ['0', 'toString'] } }), 'badCallback'],
  ['a path into text', line({ arguments: ['[Function]'], callbacks: { 0: ['0', '0'] } }), 'badCallback'],
  ['a path to another text', line({ arguments: ['[function]'], callbacks: { 0: ['0'] } }), 'badCallback'],
  ['two callbacks at one place', line({ arguments: ['[Function]'], callbacks: { 0: ['0'], 1: ['0'] } }), 'badCallback'],
  ['a callback more than the limit', line(placeholders(RPC_LIMITS.callbacksMax + 1)), 'tooManyCallbacks'],
  ['lists nested a level too deep', line({ arguments: [nested(RPC_LIMITS.depthMax - 1)] }), 'tooDeep'],
  ['objects nested a level too deep', line({ arguments: [{ a: { a: { a: { a: { a: { a: {} } } } } } }] }), 'tooDeep'],
  ['64 KiB of opening brackets', '['.repeat(RPC_LIMITS.lineBytesMax), 'notJson'],
  ['32 Ki levels', '['.repeat(32_768) + ']'.repeat(32_768), 'badShape'],
  ['32 Ki levels of arguments', line({ arguments: [0] }).replace('0', '['.repeat(32_000) + ']'.repeat(32_000)), 'tooDeep'],
]

const taken: readonly (readonly [title: string, text: string, idsAndKeys: readonly unknown[]])[] = [
  ['a call by name', line({ arguments: [1, 'two', null, { three: [3] }] }), []],
  ['a call by number', line({ method: 0 }), []],
  ['the highest exact number', line({ method: Number.MAX_SAFE_INTEGER }), []],
  ['keys in another order', '{"links":[],"callbacks":{},"arguments":[],"method":"sum"}', []],
  ['a placeholder without a callback, which is only text', line({ arguments: ['[Function]'] }), []],
  ['a trailing callback', line({ arguments: [1, '[Function]'], callbacks: { 7: ['1'] } }), [[7, '1']]],
  ['a path with numbers', line({ arguments: [{ a: ['[Function]'] }], callbacks: { 7: [0, 'a', 0] } }), [[7, 0]]],
  ['a huge callback id', line({ arguments: ['[Function]'], callbacks: { 1000000000: ['0'] } }), [[1e9, '0']]],
  ['a cull as dnode writes it', '{"method":"cull","arguments":[3]}', []],
  ['a cull in full', line({ method: 'cull', arguments: [3] }), []],
  ['lists nested as deep as allowed', line({ arguments: [nested(RPC_LIMITS.depthMax - 2)] }), []],
]

describe('the guard', () => {
  for (const [title, text, code] of refused) {
    it(`refuses ${title} as ${code}`, () => expect(parse(text)).toBe(CLOSE_CODES[code]))
  }

  for (const [title, text, expected] of taken) {
    it(`takes ${title}`, () => {
      const parsed = parse(text)
      expect(parsed).toMatchObject({ method: JSON.parse(text).method })
      if (typeof parsed === 'number') return
      expect(parsed.references.map(({ id, key }) => [id, key])).toEqual(expected)
      for (const { holder, key } of parsed.references) expect(holder[key]).toBeUndefined()
    })
  }

  it('takes as many callbacks as the limit', () => {
    expect(parse(line(placeholders(RPC_LIMITS.callbacksMax)))).toMatchObject({ references: { length: RPC_LIMITS.callbacksMax } })
  })

  it('is done with any 64 KiB line within 50 ms', () => {
    const lines = refused.map(([, text]) => text).filter((text) => text.length > 30_000)
    lines.push(line({ arguments: [Object.fromEntries(Array.from({ length: 6000 }, (_, index) => [`k${index}`, 1]))] }))
    lines.push(line({ arguments: ['\\u0000'.repeat(10_000)] }))
    lines.push(line({ arguments: ['[Function]'], callbacks: { 0: Array.from({ length: 30_000 }, () => 0) } }))
    for (const text of lines) {
      // The best of three: a machine that was busy elsewhere is not a slow guard.
      const elapsedMs = [1, 2, 3].map(() => {
        const startMs = performance.now()
        parse(text)
        return performance.now() - startMs
      })
      expect(Math.min(...elapsedMs)).toBeLessThan(50)
    }
  })
})

/** The guard's slow twin: the same rules, each by itself on the whole value. */
function mayPass(text: string): boolean {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return false
  }
  const depthOf = (part: unknown): number =>
    typeof part === 'object' && part !== null ? 1 + Math.max(0, ...Object.values(part).map(depthOf)) : 0
  const keysOf = (part: unknown): string[] =>
    typeof part === 'object' && part !== null ? [...Object.keys(part), ...Object.values(part).flatMap(keysOf)] : []
  if (depthOf(value) > 8 || keysOf(value).some((key) => ['__proto__', 'constructor', 'prototype'].includes(key))) return false
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { method, arguments: values, callbacks, links } = value as Record<string, unknown>
  const isNumber = typeof method === 'number' && Number.isSafeInteger(method) && method >= 0
  if ((typeof method !== 'string' && !isNumber) || !Array.isArray(values)) return false
  const keys = Object.keys(value).sort().join()
  if (keys === 'arguments,method') return method === 'cull'
  if (keys !== 'arguments,callbacks,links,method' || JSON.stringify(links) !== '[]') return false
  if (typeof callbacks !== 'object' || callbacks === null || Array.isArray(callbacks)) return false
  const places = new Set<string>()
  for (const [id, path] of Object.entries(callbacks)) {
    if (!/^(0|[1-9][0-9]*)$/.test(id) || !Number.isSafeInteger(Number(id)) || !Array.isArray(path) || path.length === 0)
      return false
    let target: unknown = values
    for (const step of path as unknown[]) {
      if (typeof target !== 'object' || target === null) return false
      if (typeof step !== 'string' && !(typeof step === 'number' && Number.isSafeInteger(step))) return false
      const entry = Object.entries(target).find(([key]) => key === String(step))
      if (!entry) return false
      target = entry[1]
    }
    const place = JSON.stringify(path.map(String))
    if (target !== '[Function]' || places.has(place)) return false
    places.add(place)
  }
  return Object.keys(callbacks).length <= 256
}

describe('the guard agrees with its slow twin', () => {
  const seed = Date.now() & 0x7fffffff
  const key = fc.oneof(fc.constantFrom('a', 'b', '0', '1', '__proto__', 'constructor', 'length'), fc.string({ maxLength: 3 }))
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('[Function]', null, 0, 1, -1, 1e9, true, ''),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 3 }),
    ),
  }))
  const path = fc.oneof(fc.array(fc.oneof(key, fc.nat(2)), { maxLength: 3 }), fc.constantFrom(['0'], ['1'], [0], ['0', 'a']))
  const request = fc.record(
    {
      method: fc.constantFrom<unknown>('sum', 'cull', 'methods', 0, 3, 1.5, null),
      arguments: fc.oneof(fc.array(value, { maxLength: 3 }), fc.constant(['[Function]', { a: '[Function]' }])),
      callbacks: fc.oneof(fc.dictionary(fc.oneof(fc.nat(300).map(String), key), path, { maxKeys: 2 }), fc.constant({})),
      links: fc.constantFrom<unknown>([], [], [], [{ from: ['0'], to: ['1'] }], {}),
    },
    { requiredKeys: [] },
  )

  it(`on requests of all kinds (seed ${seed})`, () => {
    let passed = 0
    const check = (text: string) => {
      const parsed = parse(text)
      if (typeof parsed !== 'number') passed++
      expect({ text, passes: typeof parsed !== 'number' }).toEqual({ text, passes: mayPass(text) })
    }
    fc.assert(
      fc.property(request, (parts) => check(JSON.stringify(parts))),
      { seed, numRuns: 2000 },
    )
    fc.assert(
      fc.property(request, (parts) => check(line(parts))),
      { seed, numRuns: 2000 },
    )
    expect(passed).toBeGreaterThan(100)
  })

  it(`on valid lines with characters changed (seed ${seed})`, () => {
    const valid = taken.map(([, text]) => text)
    const edit = fc.record({
      at: fc.nat(200),
      with: fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '0', '\\', 'a', '-'),
      drop: fc.nat(3),
    })
    fc.assert(
      fc.property(fc.constantFrom(...valid), fc.array(edit, { minLength: 1, maxLength: 4 }), (text, edits) => {
        let changed = text
        for (const { at, with: put, drop } of edits) changed = changed.slice(0, at) + put + changed.slice(at + drop)
        expect({ changed, passes: typeof parse(changed) !== 'number' }).toEqual({ changed, passes: mayPass(changed) })
      }),
      { seed, numRuns: 3000 },
    )
  })
})
