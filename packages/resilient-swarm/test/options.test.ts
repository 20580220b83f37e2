import { afterEach, describe, expect, it } from '@jest/globals'
import { readOptions, type SwarmOptions } from '../src/options.ts'

afterEach(() => {
  delete process.env['RESILIENT_SWARM_SIGNALS']
})

describe('options', () => {
  it('have defaults', () => {
    const settings = readOptions({})
    expect(settings).toMatchObject({ network: 'public', signals: ['ws://127.0.0.1:6688'], peersMax: 64, callTimeoutMs: 30_000 })
    expect(settings.transports.map(({ name }) => name)).toEqual(['webrtc'])
    expect(settings.relay).toEqual({ serve: true })
    expect(readOptions({ relay: { serve: false, bytesPerSecondMax: Number.POSITIVE_INFINITY } }).relay).toMatchObject({
      serve: false,
    })
  })

  it('make an exchange that listens everywhere, named in its one spelling', () => {
    expect(readOptions({ exchange: { port: 7 } }).exchange).toEqual({ port: 7, host: '0.0.0.0' })
    const url = `WS://${'a'.repeat(122)}`
    expect(readOptions({ exchange: { port: 7, url } }).exchange?.url).toBe(`ws://${'a'.repeat(122)}/`)
  })

  it('take the servers from the environment', () => {
    process.env['RESILIENT_SWARM_SIGNALS'] = ' ws://one.example , wss://two.example:1,'
    expect(readOptions({}).signals).toEqual(['ws://one.example', 'wss://two.example:1'])
    expect(readOptions({ signals: [] }).signals).toEqual([])
  })

  it.each([
    ['an unknown name', { signal: [] }, TypeError, /unknown option 'signal'/],
    ['no array', { signals: 'ws://one.example' }, TypeError, /signals/],
    ['no WebSocket URL', { signals: ['http://one.example'] }, TypeError, /'http:\/\/one.example' is not/],
    ['no URL at all', { signals: ['ws://'] }, TypeError, /signals/],
    ['an empty network', { network: '' }, RangeError, /network/],
    ['a network of 65 bytes', { network: 'n'.repeat(65) }, RangeError, /network/],
    ['no room', { peersMax: 0 }, RangeError, /peersMax/],
    ['half a millisecond', { callTimeoutMs: 0.5 }, RangeError, /callTimeoutMs/],
    ['a relay that is a word', { relay: 'yes' }, TypeError, /relay must be an object/],
    ['a relay that serves perhaps', { relay: { serve: 'perhaps' } }, TypeError, /relay.serve/],
    ['an unknown limit of a relay', { relay: { circuits: 3 } }, TypeError, /relay.circuits is not an option/],
    ['no circuit at all', { relay: { circuitsMax: 0 } }, RangeError, /relay.circuitsMax/],
    ['circuits without end', { relay: { circuitsMax: Number.POSITIVE_INFINITY } }, RangeError, /relay.circuitsMax/],
    ['a folder that is none', { folder: '' }, TypeError, /folder/],
    ['an exchange that is a port', { exchange: 6688 }, TypeError, /exchange must be an object/],
    ['an exchange without a port', { exchange: {} }, RangeError, /exchange.port/],
    ['a port beyond all', { exchange: { port: 65_536 } }, RangeError, /exchange.port/],
    ['an unknown option of an exchange', { exchange: { port: 0, origin: 'ws://a' } }, TypeError, /exchange.origin is not/],
    ['an exchange at no address', { exchange: { port: 0, host: '' } }, TypeError, /exchange.host/],
    ['a door that is no WebSocket', { exchange: { port: 0, url: 'http://a/' } }, TypeError, /exchange.url/],
    ['a door with a query', { exchange: { port: 0, url: 'ws://a/?b' } }, TypeError, /exchange.url/],
    ['a plain door with a path', { exchange: { port: 0, url: 'ws://a/b' } }, TypeError, /only by wss:/],
    ['a door that no record holds', { exchange: { port: 0, url: `ws://${'a'.repeat(123)}/` } }, TypeError, /128 bytes/],
    ['a policy that is none', { relay: { allow: true } }, TypeError, /relay.allow/],
    ['an admission that is none', { admit: true }, TypeError, /admit must be a function/],
    ['methods that are made for nobody', { methods: { sum: () => 0 } }, TypeError, /methods must be a function/],
    ['one transport outside an array', { transports: { name: 'wire', dial() {}, listen() {} } }, TypeError, /must be an array/],
    ['a transport that is a name', { transports: ['webrtc'] }, TypeError, /transports: each/],
    ['a transport that nobody can dial by', { transports: [{ name: 'wire', listen() {} }] }, TypeError, /transports: each/],
    ['a transport that is nothing', { transports: [null] }, TypeError, /transports: each/],
    ['a runtime without time', { runtime: { random: {}, log: {} } }, TypeError, /runtime must have clock/],
  ])('refuse %s', (_, options, kind, told) => {
    expect(() => readOptions(options as SwarmOptions)).toThrow(kind)
    expect(() => readOptions(options as SwarmOptions)).toThrow(told)
  })
})
