import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Control, decodeControl, encodeControl } from '../src/control.ts'

const RUNS = { numRuns: 1000, seed: Date.now() }

describe('control texts', () => {
  it('read back as they were written', () => {
    const controls: fc.Arbitrary<Control> = fc.oneof(
      fc.record({ kind: fc.constant('close' as const), code: fc.nat(65_535) }),
      fc.record({ kind: fc.constantFrom('closed' as const, 'ping' as const, 'pong' as const) }),
    )
    fc.assert(
      fc.property(controls, (control) => {
        expect(decodeControl(encodeControl(control))).toEqual(control)
      }),
      RUNS,
    )
  })

  it('have one spelling each: any other text is none', () => {
    for (const text of [
      '',
      'close',
      'close ',
      'close 00',
      'close -1',
      'close 1.5',
      'close 65536',
      'close 1e3',
      'CLOSED',
      'ping ',
      ' pong',
    ]) {
      expect(decodeControl(text)).toBeUndefined()
    }
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.nat().map((code) => `close ${code}`),
        ),
        (text) => {
          const control = decodeControl(text)
          if (control) expect(encodeControl(control)).toBe(text)
        },
      ),
      RUNS,
    )
  })

  it('carry codes of 16 bits, the largest included', () => {
    expect(encodeControl({ kind: 'close', code: 65_535 })).toBe('close 65535')
    for (const code of [-1, 65_536, 1.5, Number.NaN]) expect(() => encodeControl({ kind: 'close', code })).toThrow(RangeError)
  })
})
