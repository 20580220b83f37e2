import { type Bucket, fullBucket, type Rate, takeToken } from '@resilient-swarm/contract'

/** Counts new connections by address. */
export interface AddressRate {
  /** Whether one more connection from there is within the rate. */
  take(address: string, nowMs: number): boolean
  readonly size: number
}

export function createAddressRate({ rate, addressesMax }: { rate: Rate; addressesMax: number }): AddressRate {
  const buckets = new Map<string, Bucket>() // ordered by last use
  return {
    take(address, nowMs) {
      const name = addressGroup(address)
      const { allowed, bucket } = takeToken(buckets.get(name) ?? fullBucket(rate, nowMs), rate, nowMs)
      buckets.delete(name)
      buckets.set(name, bucket)
      if (buckets.size > addressesMax) buckets.delete(buckets.keys().next().value as string)
      return allowed
    },
    get size() {
      return buckets.size
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
