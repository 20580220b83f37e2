import type { Scope } from '@resilient-swarm/contract'

/** `network`: the page came online or changed its network, so what was begun before leads nowhere. `visible`: somebody looks at it again. */
export type NetworkChange = 'network' | 'visible'

/** Calls back in the moments when another path may be had. Silent in Node. */
export function watchNetwork(scope: Scope, onChange: (change: NetworkChange) => void): void {
  const { document, navigator, addEventListener } = globalThis as Partial<typeof globalThis>
  if (!document || typeof addEventListener !== 'function') return
  scope.listen(globalThis as unknown as EventTarget, 'online', () => onChange('network'))
  scope.listen(document, 'visibilitychange', () => {
    if (document.visibilityState === 'visible') onChange('visible')
  })
  const { connection } = (navigator ?? {}) as { connection?: EventTarget } // not in every browser
  if (connection) scope.listen(connection, 'change', () => onChange('network'))
}
