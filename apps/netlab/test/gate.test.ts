import { describe, expect, it } from '@jest/globals'
import { barrierCommand } from '../src/gate.ts'

describe('a barrier', () => {
  const between = ['10.77.1.2', '10.77.2.2'] as const

  it('for UDP stands in both directions', () => {
    expect(barrierCommand('add', { kind: 'udp', between })).toBe(
      'add element ip gate udp_pairs { 10.77.1.2 . 10.77.2.2, 10.77.2.2 . 10.77.1.2 }\n',
    )
  })

  it('for everything is taken away by the same words', () => {
    expect(barrierCommand('delete', { kind: 'everything', between })).toBe(
      'delete element ip gate cut_pairs { 10.77.1.2 . 10.77.2.2, 10.77.2.2 . 10.77.1.2 }\n',
    )
  })

  it('around a host names it alone', () => {
    expect(barrierCommand('add', { kind: 'host', address: '10.77.1.2' })).toBe('add element ip gate cut_hosts { 10.77.1.2 }\n')
  })
})
