import type { PeerId } from '@resilient-swarm/contract'
import type { LinkGraph } from '@resilient-swarm/mesh'
import { createLinkGraph } from '@resilient-swarm/mesh/links'
import type { Roster } from './roster.ts'
import type { TableView } from './table-link.ts'

export interface KnownLinksOptions {
  readonly self: PeerId
  readonly roster: Pick<Roster<unknown>, 'peers'>
  readonly recordOf: TableView['get']
}

/** Who is linked to whom: of ourselves what stands right now, of the others what their records say; whoever left has no links any more. */
export function createKnownLinks({ self, roster, recordOf }: KnownLinksOptions): LinkGraph {
  const own = () =>
    roster.peers.filter(({ isDirect }) => isDirect).map(({ publicKey, rttMs }) => ({ key: publicKey, rttMs: rttMs ?? 0 }))

  function told(id: PeerId) {
    const record = recordOf(id)
    return record === undefined || record.left ? [] : record.links
  }

  return createLinkGraph({ linksOf: (id) => (id === self ? own() : told(id)) })
}
