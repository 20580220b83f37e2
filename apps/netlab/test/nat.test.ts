import { describe, expect, it } from '@jest/globals'
import { meetsDirectly, NAT_KINDS, natRules } from '../src/nat.ts'

describe('in theory', () => {
  const relayed = [
    ['port-restricted', 'symmetric'],
    ['symmetric', 'port-restricted'],
    ['symmetric', 'symmetric'],
  ]
  it.each(NAT_KINDS.flatMap((one) => NAT_KINDS.map((other) => [one, other] as const)))(
    '%s meets %s directly or not',
    (one, other) => {
      expect(meetsDirectly(one, other)).toBe(!relayed.some((pair) => pair[0] === one && pair[1] === other))
    },
  )
})

describe('the rules of a NAT', () => {
  it('map anew for each destination only when symmetric', () => {
    expect(natRules('symmetric', '10.78.1.2')).toContain('oif "wan" masquerade fully-random\n')
    for (const kind of ['address-restricted', 'port-restricted'] as const) {
      expect(natRules(kind, '10.78.1.2')).toContain('oif "wan" masquerade\n')
    }
  })

  it('let another port of a known address in only when address-restricted', () => {
    expect(natRules('address-restricted', '10.78.1.2')).toContain('ip saddr @contacted dnat to 10.78.1.2\n')
    for (const kind of ['symmetric', 'port-restricted'] as const) {
      expect(natRules(kind, '10.78.1.2')).not.toContain('dnat to')
      expect(natRules(kind, '10.78.1.2')).not.toContain('update @contacted')
    }
  })
})
