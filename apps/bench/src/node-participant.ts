import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { RTCPeerConnection } from 'node-datachannel/polyfill'
import { createParticipant } from './participant.ts'
import type { PeerConnectionMaker } from './raw-channel.ts'
import { type RemoteParticipant, remoteParticipant } from './remote.ts'

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

const file = fileURLToPath(import.meta.url)

/** Starts a participant in a process of its own. */
export function startNodeParticipant(execArgv: readonly string[] = []): RemoteParticipant {
  const child = fork(file, ['--participate'], { execArgv: [...execArgv] })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let asked = 0
  child.on('message', ({ id, value, error }: Answer) => {
    const question = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) question?.resolve(value)
    else question?.reject(new Error(error))
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the participant ended'))
  })
  const ask = (name: string, args: unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      waiting.set(++asked, { resolve, reject })
      child.send({ id: asked, name, args })
    })
  return remoteParticipant(ask, async () => {
    child.disconnect()
    await gone
  })
}

if (process.argv.includes('--participate')) {
  const participant = createParticipant({ PeerConnection: RTCPeerConnection as unknown as PeerConnectionMaker })
  const functions = participant as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  process.on('message', ({ id, name, args }: { id: number; name: string; args: unknown[] }) => {
    Promise.resolve()
      .then(() => functions[name]?.(...args))
      .then(
        (value) => process.send?.({ id, value }),
        (error: unknown) => process.send?.({ id, error: String((error as Error).stack ?? error) }),
      )
  })
  process.on('disconnect', () => void participant.end().finally(() => process.exit(0)))
}
