import type { Scope } from '@resilient-swarm/contract'

/** Calls back when a page came online, became visible, or changed its network: the moments when another path may be had. Silent in Node. */
export function watchNetwork(scope: Scope, onChange: () => void): void {
  const { document, navigator, addEventListener } = globalThis as Partial<typeof globalThis>
  if (!document || typeof addEventListener !== 'function') return
  scope.listen(globalThis as unknown as EventTarget, 'online', onChange)
  scope.listen(document, 'visibilitychange', () => {
    if (document.visibilityState === 'visible') onChange()
  })
  const { connection } = (navigator ?? {}) as { connection?: EventTarget } // not in every browser
  if (connection) scope.listen(connection, 'change', onChange)
}
