import { type Transport, webrtc } from 'resilient-swarm'

type DialContext = Parameters<Transport['dial']>[1]
type ListenContext = Parameters<Transport['listen']>[0]

/** Real WebRTC that makes no path to or from whom it refuses, as a network that lets nothing through between the two. */
export interface RefusingTransport extends Transport {
  refuse(key: string): void
  allow(key: string): void
}

export function createRefusingTransport(transport: Transport = webrtc()): RefusingTransport {
  const refused = new Set<string>()

  function check(key: string): void {
    if (refused.has(key)) throw new Error('The test lets nothing through here.')
  }

  return {
    name: transport.name,
    async dial(target, context: DialContext) {
      check(target)
      return transport.dial(target, context)
    },
    listen: (context: ListenContext) =>
      transport.listen({
        ...context,
        onAttempt: (answer) =>
          context.onAttempt(async (attempt) => {
            check(attempt.from)
            return answer(attempt)
          }),
      }),
    refuse: (key) => void refused.add(key),
    allow: (key) => void refused.delete(key),
  }
}
