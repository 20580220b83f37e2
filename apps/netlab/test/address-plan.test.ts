import { describe, expect, it } from '@jest/globals'
import { HOSTS_MAX, planHost } from '../src/address-plan.ts'

describe('the addresses of a lab', () => {
  it('are different for every host, and private ones', () => {
    const all = Array.from({ length: HOSTS_MAX }, (_, index) => Object.values(planHost(index + 1))).flat()
    expect(new Set(all).size).toBe(4 * HOSTS_MAX)
    expect(all.filter((address) => !/^10\.7[78]\.\d{1,3}\.[12]$/.test(address))).toEqual([])
  })

  it('put both ends of a cable into one network of four addresses', () => {
    expect(planHost(7)).toEqual({ core: '10.77.7.1', public: '10.77.7.2', gateway: '10.78.7.1', private: '10.78.7.2' })
  })

  it.each([0, HOSTS_MAX + 1, 1.5])('end at a host number %s', (index) => {
    expect(() => planHost(index)).toThrow(RangeError)
  })
})
