// Layer-3 tunnel devices by hand (linux/if_tun.h): a file descriptor that reads and writes whole IP packets.
import { constants, openSync } from 'node:fs'
import koffi from 'koffi'

const TUNSETIFF = 0x4004_54ca // _IOW('T', 202, int)
const IFF_TUN = 0x0001
const IFF_NO_PI = 0x1000 // the bare packet, without four bytes of kind before it
const IFREQ_BYTES = 40
const NAME_BYTES_MAX = 15
const PACKET_BYTES_MAX = 0xffff
const POLLIN = 0x0001
const POLLFD_BYTES = 8
const WAIT_MS_MAX = 250 // under a second: it has no place in the nanoseconds

const libc = koffi.load(null)
const ioctl = libc.func('int ioctl(int file, unsigned long request, _Inout_ uint8_t *argument)')
const read = libc.func('intptr_t read(int file, _Out_ uint8_t *bytes, size_t count)')
const write = libc.func('intptr_t write(int file, const uint8_t *bytes, size_t count)')
const ppoll = libc.func('int ppoll(uint8_t *polls, unsigned long count, const int64_t *timeout, const void *mask)')

/** One end of a line. Both calls return at once. */
export interface Tun {
  readonly file: number
  /** The next packet, in a buffer that the next call overwrites; undefined when none waits. */
  read(): Uint8Array | undefined
  /** False: the kernel did not take it (its device is down, or gone), so it is lost. */
  write(packet: Uint8Array): boolean
}

/** Makes a device of this name in the namespace of this process; it may be moved to another and lives as long as the process. */
export function openTun(name: string): Tun {
  if (name.length > NAME_BYTES_MAX) throw new RangeError(`a device's name has at most ${NAME_BYTES_MAX} bytes: ${name}`)
  const file = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK)
  const request = Buffer.alloc(IFREQ_BYTES)
  request.write(name)
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI, NAME_BYTES_MAX + 1)
  if (ioctl(file, TUNSETIFF, request) < 0) throw new Error(`the kernel makes no device ${name}`)
  const buffer = new Uint8Array(PACKET_BYTES_MAX)
  return {
    file,
    read() {
      const count = Number(read(file, buffer, PACKET_BYTES_MAX))
      if (count > 0) return buffer.subarray(0, count)
      if (koffi.errno() !== koffi.os.errno.EAGAIN) throw new Error(`the device ${name} is gone`)
      return undefined
    },
    write: (packet) => Number(write(file, packet, packet.byteLength)) === packet.byteLength,
  }
}

/**
 * Waits in a thread, so that the event loop runs on: until one of the devices has a packet, or so many ms have passed, and never
 * long, because a process ends only when its threads do.
 */
export function createWaiter(devices: readonly Tun[]): (timeoutMs: number) => Promise<void> {
  const polls = Buffer.alloc(POLLFD_BYTES * devices.length)
  for (const [index, { file }] of devices.entries()) {
    polls.writeInt32LE(file, index * POLLFD_BYTES)
    polls.writeInt16LE(POLLIN, index * POLLFD_BYTES + 4)
  }
  const timeout = new BigInt64Array(2) // seconds and nanoseconds: a packet is due to the tenth of a millisecond
  return (timeoutMs) =>
    new Promise((resolve, reject) => {
      timeout[1] = BigInt(Math.floor(Math.min(timeoutMs, WAIT_MS_MAX) * 1e6))
      ppoll.async(polls, devices.length, timeout, null, (error: Error | null) => (error ? reject(error) : resolve()))
    })
}
