import type { RelayStatus } from 'resilient-swarm'

const KIB = 1024
const MIB = 1024 * KIB

/** What this tab does for others, in one line. */
export function relayWords({ circuits, bytesForwarded }: Pick<RelayStatus, 'circuits' | 'bytesForwarded'>): string {
  const now = circuits === 0 ? 'No circuit now' : `${circuits} ${circuits === 1 ? 'circuit' : 'circuits'} now`
  return `${now} · ${bytesWords(bytesForwarded)} forwarded`
}

export function bytesWords(bytes: number): string {
  if (bytes < KIB) return `${bytes} bytes`
  if (bytes < MIB) return `${Math.round(bytes / KIB)} KiB`
  return `${(bytes / MIB).toFixed(1)} MiB`
}
