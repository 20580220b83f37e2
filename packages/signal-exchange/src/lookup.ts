import { abortedError, type PeerId } from '@resilient-swarm/contract'
import { failureOf } from './delivery.ts'
import { LOOKUP_KEYS_MAX } from './limits.ts'
import type { SignalClient } from './signal-client.ts'
import type { SendOutcome } from './signal-connection.ts'

/** Asks every registered server for all keys; done when all have answered or everybody is found. */
export async function lookUp({
  ids,
  clients,
  signal,
}: {
  ids: readonly PeerId[]
  clients: readonly SignalClient[]
  signal: AbortSignal | undefined
}): Promise<ReadonlySet<PeerId>> {
  const wanted = new Set(ids)
  const online = new Set<PeerId>()
  const questions = splitEvery([...wanted], LOOKUP_KEYS_MAX)
  const answered = new Set<readonly PeerId[]>()
  const failures: SendOutcome[] = []
  const ask = async (client: SignalClient, keys: readonly PeerId[]) => {
    const found = await client.lookup(keys)
    if (typeof found === 'string') {
      failures.push(found)
      return
    }
    answered.add(keys)
    const named = new Set(found)
    for (const key of keys) if (named.has(key)) online.add(key)
  }
  await new Promise<void>((resolve, reject) => {
    const cancel = () => reject(abortedError(signal as AbortSignal))
    signal?.addEventListener('abort', cancel)
    const registered = clients.filter((client) => client.state === 'registered')
    const asked = registered.flatMap((client) =>
      questions.map(async (keys) => {
        await ask(client, keys)
        if (online.size === wanted.size) resolve()
      }),
    )
    void Promise.all(asked).then(() => {
      signal?.removeEventListener('abort', cancel)
      resolve()
    })
  })
  // Whom nobody could look for is not offline.
  if (answered.size < questions.length && online.size < wanted.size) throw failureOf(failures)
  return online
}

function splitEvery<Item>(items: readonly Item[], count: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / count) }, (_, index) => items.slice(index * count, (index + 1) * count))
}
