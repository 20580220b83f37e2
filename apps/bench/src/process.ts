import { fork } from 'node:child_process'
import { type Remote, remoteParticipant } from './remote.ts'

interface Question {
  readonly id: number
  readonly name: string
  readonly args: unknown[]
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** A participant in a process of its own, which can be let end or made to vanish. */
export type RemoteProcess<Participant> = Remote<Participant> & Endings

interface Endings {
  kill(): Promise<void>
  /** SIGKILL: nothing is said to anybody. */
  crash(): Promise<void>
}

const PARTICIPATE = '--participate'

/** Starts the file of a participant in a process of its own. */
export function startProcess<Participant>(file: string): RemoteProcess<Participant> {
  const child = fork(file, [PARTICIPATE])
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
      child.send({ id: asked, name, args } satisfies Question)
    })
  return remoteParticipant<Participant, Endings>(ask, {
    async kill() {
      if (child.connected) child.disconnect()
      await gone
    },
    async crash() {
      child.kill('SIGKILL')
      await gone
    },
  })
}

/** In a process that `startProcess` started: answers with the participant's functions until the parent lets go. */
export function serveParent(make: () => { end(): Promise<void> }): void {
  if (!process.argv.includes(PARTICIPATE)) return
  const participant = make()
  const functions = participant as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  process.on('message', ({ id, name, args }: Question) => {
    Promise.resolve()
      .then(() => functions[name]?.(...args))
      .then(
        (value) => process.send?.({ id, value } satisfies Answer),
        (error: unknown) => process.send?.({ id, error: String((error as Error).stack ?? error) } satisfies Answer),
      )
  })
  process.on('disconnect', () => void participant.end().finally(() => process.exit(0)))
}
