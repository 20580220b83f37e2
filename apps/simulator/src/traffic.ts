/** What bytes are for: records and what is said about them, signals on their way, everything else. */
export type TrafficKind = 'table' | 'signals' | 'other'

/** What one node handed to its channels, in bytes and messages. */
export class Traffic {
  readonly bytes: Record<TrafficKind, number> = { table: 0, signals: 0, other: 0 }
  readonly messages: Record<TrafficKind, number> = { table: 0, signals: 0, other: 0 }

  count(kind: TrafficKind, byteCount: number): void {
    this.bytes[kind] += byteCount
    this.messages[kind]++
  }

  /** As it is now, to be compared with later. */
  copy(): Traffic {
    const copy = new Traffic()
    Object.assign(copy.bytes, this.bytes)
    Object.assign(copy.messages, this.messages)
    return copy
  }
}

/** What was added since an earlier copy. */
export function trafficSince(now: Traffic, before: Traffic): Traffic {
  const added = new Traffic()
  for (const kind of ['table', 'signals', 'other'] as const) {
    added.bytes[kind] = now.bytes[kind] - before.bytes[kind]
    added.messages[kind] = now.messages[kind] - before.messages[kind]
  }
  return added
}
