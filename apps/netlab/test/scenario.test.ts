import { describe, expect, it } from '@jest/globals'
import { all, atLeast, atMost, quantile } from '../src/scenario.ts'

describe('a bar', () => {
  it('is kept at its edge and broken beyond', () => {
    expect(atMost('gap', 700, 700).passed).toBe(true)
    expect(atMost('gap', 700.1, 700).passed).toBe(false)
    expect(atLeast('speed', 200, 200).passed).toBe(true)
    expect(atLeast('speed', 199, 200).passed).toBe(false)
  })

  it('is broken by a figure that was never measured', () => {
    expect(atMost('gap', Number.NaN, 700).passed).toBe(false)
    expect(atLeast('speed', Number.NaN, 200).passed).toBe(false)
    expect(atMost('gap', quantile([], 0.5), 700).passed).toBe(false)
    expect(all('pairs', []).passed).toBe(false)
  })

  it('for all is broken by one', () => {
    expect(all('pairs', [true, true])).toMatchObject({ measured: '2 of 2', passed: true })
    expect(all('pairs', [true, false])).toMatchObject({ measured: '1 of 2', passed: false })
  })
})

describe('a quantile', () => {
  it('is a value that was seen, by nearest rank', () => {
    const values = [5, 1, 4, 2, 3]
    expect([0, 0.2, 0.5, 0.95, 1].map((part) => quantile(values, part))).toEqual([1, 1, 3, 5, 5])
    expect(values).toEqual([5, 1, 4, 2, 3])
  })
})
