import type { Participant } from './participant.ts'

/** A participant in another process: the same functions, each answered by a message. */
export type RemoteParticipant = {
  [Name in keyof Participant]: (...args: Parameters<Participant[Name]>) => Promise<Awaited<ReturnType<Participant[Name]>>>
} & { kill(): Promise<void> }

/** Turns "ask this function by name" into a participant's functions. */
export function remoteParticipant(
  ask: (name: string, args: unknown[]) => Promise<unknown>,
  kill: () => Promise<void>,
): RemoteParticipant {
  return new Proxy({} as RemoteParticipant, {
    get: (_, name) => (name === 'kill' ? kill : name === 'then' ? undefined : (...args: unknown[]) => ask(String(name), args)),
  })
}
