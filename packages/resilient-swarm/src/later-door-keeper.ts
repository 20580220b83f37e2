import type { DoorKeeper, DoorKeeperOptions } from './door-keeper.ts'
import { loadOnce } from './load-once.ts'

/** The keeper of doors, whose code is loaded beside the first connection: none is tried before a node has been alone for a moment. */
export function createLaterDoorKeeper(options: DoorKeeperOptions): DoorKeeper {
  const { runtime, scope } = options
  const load = loadOnce(async () => {
    const { createDoorKeeper } = await import('./door-keeper.ts')
    return scope.isClosed ? undefined : createDoorKeeper(options)
  })

  async function loaded(): Promise<DoorKeeper | undefined> {
    try {
      return await load()
    } catch (error) {
      runtime.log.warn('the doors wait for their code', { error: String(error) })
      return undefined
    }
  }
  void loaded()

  return {
    onPeer: (id) => void loaded().then((keeper) => keeper?.onPeer(id)),
    onRecord: (record) => void loaded().then((keeper) => keeper?.onRecord(record)),
    close: async () => (await loaded())?.close(),
  }
}
