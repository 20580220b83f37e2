import { describe, expect, it } from '@jest/globals'
import { addressGroup, createAddressRate } from '../src/address-rate.ts'
import { createDirectory } from '../src/directory.ts'
import { DEFAULT_LIMITS, readLimits } from '../src/limits.ts'
import { readOptions } from '../src/options.ts'
import { isOwnOrigin, originsAt } from '../src/origins.ts'

describe('new connections', () => {
  it('are 50 at once and 5 a second from one address, whatever others do', () => {
    const rate = createAddressRate({ rate: DEFAULT_LIMITS.connectionRate, addressesMax: 10 })
    const take = (nowMs: number, count: number, address = '192.0.2.1') =>
      Array.from({ length: count }, () => rate.take(address, nowMs)).filter(Boolean).length
    expect(take(0, 51)).toBe(50)
    expect(take(0, 51, '192.0.2.2')).toBe(50)
    expect(take(199, 1)).toBe(0)
    expect(take(200, 2)).toBe(1)
    expect(take(1_200, 9)).toBe(5)
    expect(take(1_000_000, 60)).toBe(50)
  })

  it('are remembered for so many addresses, the one unused for longest is forgotten', () => {
    const rate = createAddressRate({ rate: { perSecond: 1, burst: 1 }, addressesMax: 2 })
    const taken = ['a', 'b', 'a', 'c', 'a', 'b'].map((address) => rate.take(address, 0))
    expect(taken).toEqual([true, true, false, true, false, true])
    expect(rate.size).toBe(2)
  })

  it('count one IPv6 household as one address', () => {
    for (const [address, group] of [
      ['192.0.2.1', '192.0.2.1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
      ['2001:0DB8:0001:0002::7', '2001:db8:1:2'],
      ['2001:db8::1', '2001:db8:0:0'],
      ['fe80::1%eth0', 'fe80:0:0:0'],
      ['::1', '0:0:0:0'],
      ['', ''],
    ]) {
      expect(addressGroup(address as string)).toBe(group)
    }
  })
})

describe('the directory', () => {
  it('gives a key to the newest holder, and only that one can put it down', () => {
    const directory = createDirectory<string>()
    const key = 'rs1alice' as never
    expect(directory.claim(key, 'older')).toBeUndefined()
    expect(directory.claim(key, 'older')).toBeUndefined()
    expect(directory.claim(key, 'newer')).toBe('older')
    directory.release(key, 'older')
    expect([directory.get(key), directory.size]).toEqual(['newer', 1])
    directory.release(key, 'newer')
    expect([directory.get(key), directory.size]).toEqual([undefined, 0])
  })
})

describe('the names of a server', () => {
  it('are the address that a connection arrived at, and localhost for loopback', () => {
    for (const [address, origins] of [
      ['127.0.0.1', ['ws://127.0.0.1:6688/', 'ws://localhost:6688/']],
      ['::ffff:127.0.0.1', ['ws://127.0.0.1:6688/', 'ws://localhost:6688/']],
      ['::1', ['ws://[::1]:6688/', 'ws://localhost:6688/']],
      ['192.0.2.7', ['ws://192.0.2.7:6688/']],
      ['fe80::1%eth0', ['ws://[fe80::1]:6688/']],
    ] as const) {
      expect(originsAt({ address, port: 6688 })).toEqual(origins)
    }
    expect(originsAt({ address: '127.0.0.1', port: 80 })[0]).toBe('ws://127.0.0.1/')
  })

  it('are only those that the operator gave, if any', () => {
    const local = { address: '127.0.0.1', port: 6688 }
    const isOwn = (origin: string, named: readonly string[]) => isOwnOrigin({ origin, named, local })
    expect(isOwn('ws://127.0.0.1:6688/', [])).toBe(true)
    expect(isOwn('ws://127.0.0.1:6689/', [])).toBe(false)
    expect(isOwn('wss://signals.example/', [])).toBe(false)
    expect(isOwn('wss://signals.example/', ['wss://signals.example/'])).toBe(true)
    expect(isOwn('ws://127.0.0.1:6688/', ['wss://signals.example/'])).toBe(false)
  })
})

describe('options', () => {
  it('have defaults, and say which of them is wrong', () => {
    expect(readOptions({})).toMatchObject({
      host: '127.0.0.1',
      port: 6688,
      origins: [],
      health: '/health',
      limits: DEFAULT_LIMITS,
    })
    expect(readOptions({ origins: ['WSS://Signals.example'] }).origins).toEqual(['wss://signals.example/'])
    expect(() => readOptions({ colour: 1 } as never)).toThrow(/unknown option 'colour'/)
    expect(() => readOptions({ origins: ['http://signals.example'] })).toThrow(TypeError)
    expect(() => readOptions({ health: 'health' })).toThrow(TypeError)
    for (const port of [-1, 65_536, 1.5, Number.NaN]) expect(() => readOptions({ port })).toThrow(RangeError)
  })

  it('change single limits, within reason', () => {
    expect(readLimits({ pingMs: 1 })).toEqual({ ...DEFAULT_LIMITS, pingMs: 1 })
    expect(() => readLimits({ pings: 1 } as never)).toThrow(TypeError)
    expect(() => readLimits({ toString: 1 } as never)).toThrow(TypeError)
    for (const wrong of [0, -1, 0.5, Number.POSITIVE_INFINITY]) {
      expect(() => readLimits({ pingMs: wrong })).toThrow(RangeError)
      expect(() => readLimits({ sends: { perSecond: 1, burst: wrong } })).toThrow(RangeError)
    }
  })
})
