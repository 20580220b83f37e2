import { createRuntime, encodeHex } from '@resilient-swarm/contract'
import { createKeyPair, type KeyPair } from '@resilient-swarm/identity'
import { createSignalExchange, type SignalExchange } from '@resilient-swarm/signal-exchange'
import { createSignalServer, type SignalServer, type SignalServerOptions } from '../src/index.ts'

/** One peer at the servers, and what has reached it. */
export interface Person {
  readonly keyPair: KeyPair
  readonly exchange: SignalExchange
  readonly received: { readonly id: string; readonly box: Uint8Array }[]
}

/** Starts servers and peers on this machine, and ends them all, the newest first. */
export function createPlace() {
  const ends: (() => Promise<void>)[] = []
  return {
    async server(options: SignalServerOptions = {}): Promise<SignalServer> {
      const server = await createSignalServer({ port: 0, ...options })
      ends.push(() => server.close())
      return server
    },
    person(urls: readonly string[], keyPair = createKeyPair()): Person {
      const exchange = createSignalExchange({ urls, keyPair, network: 'test', runtime: createRuntime() })
      const person: Person = { keyPair, exchange, received: [] }
      exchange.onSignal = (signal) => person.received.push(signal)
      ends.push(() => exchange.close())
      return person
    },
    async close(): Promise<void> {
      for (const end of ends.splice(0).reverse()) await end()
    },
  }
}

export const newId = (): string => encodeHex(crypto.getRandomValues(new Uint8Array(16)))

/** Waits for what the network brings; fails after 5 s. */
export async function until(isTrue: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !isTrue(); ) {
    if (Date.now() > end) throw new Error('it did not come about within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
