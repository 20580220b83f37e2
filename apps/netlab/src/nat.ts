/**
 * What stands between a host and the core. `open`: nothing. The others map one inner port to one outer port (RFC 4787):
 * `address-restricted` lets in whoever the host sent to before, from any port; `port-restricted` that very port only;
 * `symmetric` maps anew for each destination, so what a STUN server saw helps nobody else.
 */
export type NatKind = 'open' | 'address-restricted' | 'port-restricted' | 'symmetric'

export const NAT_KINDS: readonly NatKind[] = ['open', 'address-restricted', 'port-restricted', 'symmetric']

/** Whether two hosts can find a direct way with STUN alone, in theory. */
export function meetsDirectly(one: NatKind, other: NatKind): boolean {
  const kinds = [one, other]
  // A symmetric NAT's port cannot be told in advance, so the other side must let in any port of the address.
  return !kinds.includes('symmetric') || kinds.includes('open') || kinds.includes('address-restricted')
}

/** The rules of a NAT router with the devices `wan` and `lan` and one host at `inner`. */
export function natRules(kind: Exclude<NatKind, 'open'>, inner: string): string {
  const isAddressRestricted = kind === 'address-restricted'
  // Linux keeps the port where it is free, which makes one mapping for all destinations; fully-random makes one for each.
  const masquerade = kind === 'symmetric' ? 'masquerade fully-random' : 'masquerade'
  return [
    'table ip nat {',
    '  set contacted { type ipv4_addr; flags dynamic; timeout 5m; }',
    '  chain outgoing {',
    '    type nat hook postrouting priority srcnat;',
    ...(isAddressRestricted ? ['    oif "wan" update @contacted { ip daddr }'] : []),
    `    oif "wan" ${masquerade}`,
    '  }',
    '  chain incoming {',
    '    type nat hook prerouting priority dstnat;',
    ...(isAddressRestricted ? [`    iif "wan" meta l4proto udp ip saddr @contacted dnat to ${inner}`] : []),
    '  }',
    '  chain forwarded {',
    '    type filter hook forward priority filter; policy drop;',
    '    iif "lan" accept',
    '    ct state established,related accept',
    '    ct status dnat accept',
    '  }',
    // Without this a packet that comes too early is taken for the router's own, and its mapping spoils the host's.
    '  chain own {',
    '    type filter hook input priority filter; policy drop;',
    '    iif != "wan" accept',
    '  }',
    '}',
    '',
  ].join('\n')
}
