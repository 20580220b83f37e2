import { CANDIDATE_BYTES_MAX } from './limits.ts'

// RFC 8839 §5.1: foundation, component, transport, priority, address, port, type; what follows is not needed.
const CANDIDATE =
  /^(?:a=)?candidate:([A-Za-z0-9+/]{1,32}) 1 udp ([1-9]\d{0,9}) ([0-9A-Fa-f:.]{2,45}|[0-9a-f-]{36}\.local) ([1-9]\d{0,4}) typ (host|srflx|prflx|relay)(?: [\x20-\x7e]*)?$/i
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
const MDNS = /\.local$/i
const PRIORITY_MAX = 0xffff_ffff
const PORT_MAX = 0xffff

/**
 * The candidate written anew from its checked fields, or undefined for one that is of no use: TCP, an unknown form, a name that
 * would have to be looked up. Only IP addresses pass, and the browsers' own `<uuid>.local` where `mdns` says so.
 */
export function checkCandidate(candidate: unknown, { mdns }: { mdns: boolean }): string | undefined {
  if (typeof candidate !== 'string' || candidate.length > CANDIDATE_BYTES_MAX) return undefined
  const match = CANDIDATE.exec(candidate)
  if (!match) return undefined
  const [, foundation, priority, address, port, type] = match as unknown as [string, string, string, string, string, string]
  if (Number(priority) > PRIORITY_MAX || Number(port) > PORT_MAX) return undefined
  if (MDNS.test(address) ? !mdns : !isAddress(address)) return undefined
  const base = `candidate:${foundation} 1 udp ${priority} ${address.toLowerCase()} ${port} typ ${type.toLowerCase()}`
  // The related address is required by the grammar and nobody's business (RFC 8828 §5.2).
  return type.toLowerCase() === 'host' ? base : `${base} raddr 0.0.0.0 rport 0`
}

function isAddress(text: string): boolean {
  return text.includes(':') ? URL.canParse(`http://[${text}]/`) : IPV4.test(text)
}
