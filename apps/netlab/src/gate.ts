/** What the core can be told to drop, silently, and to let through again. */
export type Barrier =
  | { readonly kind: 'udp' | 'everything'; readonly between: readonly [string, string] }
  | { readonly kind: 'host'; readonly address: string }

/** The core's rules: nothing is dropped until an element is added. */
export const GATE_RULES = `table ip gate {
  set cut_hosts { type ipv4_addr; }
  set cut_pairs { type ipv4_addr . ipv4_addr; }
  set udp_pairs { type ipv4_addr . ipv4_addr; }
  chain forwarded {
    type filter hook forward priority filter; policy accept;
    ip saddr @cut_hosts drop
    ip daddr @cut_hosts drop
    ip saddr . ip daddr @cut_pairs drop
    meta l4proto udp ip saddr . ip daddr @udp_pairs drop
  }
}
`

/** The command that puts a barrier up or takes it away, both directions at one moment. */
export function barrierCommand(action: 'add' | 'delete', barrier: Barrier): string {
  if (barrier.kind === 'host') return `${action} element ip gate cut_hosts { ${barrier.address} }\n`
  const [one, other] = barrier.between
  const set = barrier.kind === 'udp' ? 'udp_pairs' : 'cut_pairs'
  return `${action} element ip gate ${set} { ${one} . ${other}, ${other} . ${one} }\n`
}
