export { type Absent, chooseCalls, isLarger, type MeshState, meshRetryMs } from './choose-links.ts'
export { chooseForwarders, createForwarder, type ForwarderOptions, type Neighbour, routeThrough } from './forwarding.ts'
export { createMeshKeeper, type MeshKeeper, type MeshKeeperOptions } from './mesh-keeper.ts'
export type { SealedBox, SignalRoute } from './sealed-box.ts'
