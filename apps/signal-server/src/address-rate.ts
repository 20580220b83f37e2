import { createKeyedRate, type KeyedRate, type Rate } from '@resilient-swarm/contract'

/** Counts new connections by address, or by household. */
export type AddressRate = KeyedRate<string>

export function createAddressRate({ rate, addressesMax }: { rate: Rate; addressesMax: number }): AddressRate {
  const rates = createKeyedRate<string>({ rate, keysMax: addressesMax })
  return {
    take: (address, nowMs) => rates.take(addressGroup(address), nowMs),
    get size() {
      return rates.size
    },
  }
}

/** Who counts as one: an IPv4 address, or the /64 that one IPv6 household gets. */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1]) return mapped[1]
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right]
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')
}
