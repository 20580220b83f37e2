export type { PeerId, Substream, SwarmError, Transport } from '@resilient-swarm/contract'
export type {
  AdmitDocument,
  DeniedDocument,
  PeerProgress,
  PouchDocument,
  ShareableDatabase,
  SharedChange,
  ShareEvents,
} from '@resilient-swarm/database-share'
export type { PeerRecord } from '@resilient-swarm/peer-table'
export type { SignalServerStatus } from '@resilient-swarm/signal-exchange'
export { webrtc } from '@resilient-swarm/webrtc'
export type { DatabaseReplication, ReplicateOptions } from './database-replication.ts'
export type { LeaveReason, SwarmEvents } from './events.ts'
export type { Note } from './history.ts'
export type { ExchangeOptions, RelayServingOptions, SwarmOptions } from './options.ts'
export type { BuiltInMethods, Peer, PeerEvents, PeerPath, PeerState } from './peer.ts'
export { type CallOptions, type RelayStatus, Swarm } from './swarm.ts'
export type { TableView } from './table-link.ts'
