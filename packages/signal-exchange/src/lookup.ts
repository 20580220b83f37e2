import { abortedError, type PeerId } from '@resilient-swarm/contract'
import { signalError } from './errors.ts'
import { LOOKUP_KEYS_MAX } from './limits.ts'
import type { SignalClient } from './signal-client.ts'

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
  const answered = new Set<readonly PeerId[]>()
  const frames: PeerId[][] = []
  for (const id of wanted) {
    const last = frames.at(-1)
    if (last && last.length < LOOKUP_KEYS_MAX) last.push(id)
    else frames.push([id])
  }
  const ask = async (client: SignalClient, keys: readonly PeerId[], allFound: () => void) => {
    const found = await client.lookup(keys)
    if (found) answered.add(keys)
    const named = new Set<string>(found)
    for (const key of keys) if (named.has(key)) online.add(key)
    if (online.size === wanted.size) allFound()
  }
  if (wanted.size === 0) return online
  await new Promise<void>((resolve, reject) => {
    const cancel = () => reject(abortedError(signal as AbortSignal))
    signal?.addEventListener('abort', cancel)
    const registered = clients.filter((client) => client.state === 'registered')
    const asked = registered.flatMap((client) => frames.map((keys) => ask(client, keys, resolve)))
    void Promise.all(asked).then(() => {
      signal?.removeEventListener('abort', cancel)
      resolve()
    })
  })
  if (answered.size < frames.length && online.size < wanted.size) {
    throw signalError('ERR_SIGNAL_TIMEOUT', 'No signal server answered all of the lookup in time; try again with fewer keys.')
  }
  return online
}
