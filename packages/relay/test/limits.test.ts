import { describe, expect, it } from '@jest/globals'
import { RELAY_LIMITS, type RelayLimits } from '../src/index.ts'
import { DURATION_MS_MAX, DURATION_MS_MIN, parseRelayLimits } from '../src/limits.ts'

describe('parseRelayLimits', () => {
  it('fills in the defaults', () => {
    expect(parseRelayLimits()).toEqual(RELAY_LIMITS)
    expect(parseRelayLimits({ circuitsMax: 1 })).toEqual({ ...RELAY_LIMITS, circuitsMax: 1 })
  })

  it('knows no other limit', () => {
    expect(() => parseRelayLimits({ circuits: 1 } as Partial<RelayLimits>)).toThrow(TypeError)
  })

  it.each<keyof RelayLimits>(['circuitsMax', 'circuitsPerPeerMax', 'circuitsPerTargetMax', 'bytesPerSecondMax', 'burstBytesMax'])(
    'takes 1 for %s, and nothing that is no positive integer',
    (name) => {
      expect(parseRelayLimits({ [name]: 1 })[name]).toBe(1)
      for (const value of [0, -1, 1.5, Number.NaN, '1']) expect(() => parseRelayLimits({ [name]: value })).toThrow(RangeError)
    },
  )

  it('takes Infinity for the rate alone', () => {
    expect(parseRelayLimits({ bytesPerSecondMax: Number.POSITIVE_INFINITY }).bytesPerSecondMax).toBe(Number.POSITIVE_INFINITY)
    expect(() => parseRelayLimits({ burstBytesMax: Number.POSITIVE_INFINITY })).toThrow(RangeError)
  })

  it.each([
    [DURATION_MS_MIN - 1, false],
    [DURATION_MS_MIN, true],
    [DURATION_MS_MAX, true],
    [DURATION_MS_MAX + 1, false],
  ])('of %p ms for a circuit: %p', (circuitDurationMsMax, isTaken) => {
    const parse = () => parseRelayLimits({ circuitDurationMsMax })
    if (isTaken) expect(parse().circuitDurationMsMax).toBe(circuitDurationMsMax)
    else expect(parse).toThrow(RangeError)
  })
})
