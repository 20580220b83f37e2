/** Functions whose arguments and results are plain data, so that they can be asked across a border. */
type Functions<Participant> = {
  [Name in keyof Participant]: Participant[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never
}

/** A participant in another process or page: the same functions, each answered by a message. */
export type Remote<Participant> = Functions<Participant> & { kill(): Promise<void> }

/** Turns "ask this function by name" into a participant's functions, beside those of the place where it runs. */
export function remoteParticipant<Participant, Own extends { kill(): Promise<void> }>(
  ask: (name: string, args: unknown[]) => Promise<unknown>,
  own: Own,
): Functions<Participant> & Own {
  return new Proxy({} as Functions<Participant> & Own, {
    get(_, name) {
      if (name === 'then') return undefined
      return Object.hasOwn(own, name) ? own[name as keyof Own] : (...args: unknown[]) => ask(String(name), args)
    },
  })
}
