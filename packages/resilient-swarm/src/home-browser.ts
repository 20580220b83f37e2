import { type Home, type HomeOptions, homeless } from './home.ts'

const DATABASE = 'resilient-swarm'
const STORE = 'memory'

/** A page keeps no seed: that is its user's choice. Whoever gives one finds what its earlier life kept, by its key, in IndexedDB. */
export function openHome({ folder, seed, network }: HomeOptions): Home {
  if (folder !== undefined)
    throw new TypeError('folder is for Node: a page keeps what lasts in IndexedDB, under the key of its seed')
  if (seed === undefined || typeof indexedDB === 'undefined') return homeless(seed)
  return {
    ...homeless(seed),
    async recall(id) {
      const text: unknown = await inStore('readonly', (store) => store.get(`${network}/${id}`))
      return typeof text === 'string' ? text : undefined
    },
    async keep(id, text) {
      await inStore('readwrite', (store) => store.put(text, `${network}/${id}`))
    },
  }
}

async function inStore(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
  const opening = indexedDB.open(DATABASE, 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE)
  const database = (await settled(opening)) as IDBDatabase
  try {
    const transaction = database.transaction(STORE, mode)
    const result = await settled(act(transaction.objectStore(STORE)))
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error) // a full disk is told here
      transaction.onerror = () => reject(transaction.error)
    })
    return result
  } finally {
    database.close()
  }
}

function settled(request: IDBRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
