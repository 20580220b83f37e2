/** Where the n-th host of a lab stands. All addresses are inside namespaces only, so labs beside each other do not meet. */
export interface HostAddresses {
  /** The core's end of the cable to this host's network. */
  readonly core: string
  /** What others see: the host's own when it is open, its NAT's otherwise. */
  readonly public: string
  /** The NAT's inner end, which is the host's gateway. */
  readonly gateway: string
  /** The host's own behind a NAT. */
  readonly private: string
}

/** Each cable is a network of its own with two ends. */
export const PREFIX_BITS = 30

/** One octet counts the hosts; 0 and 255 would read like networks and broadcasts. */
export const HOSTS_MAX = 254

/** The addresses of host `index`, from 1. */
export function planHost(index: number): HostAddresses {
  if (!Number.isInteger(index) || index < 1 || index > HOSTS_MAX) throw new RangeError(`a lab has 1 to ${HOSTS_MAX} hosts`)
  return {
    core: `10.77.${index}.1`,
    public: `10.77.${index}.2`,
    gateway: `10.78.${index}.1`,
    private: `10.78.${index}.2`,
  }
}
