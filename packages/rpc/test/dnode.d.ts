declare module 'dnode' {
  import type { Duplex } from 'node:stream'

  interface DnodeStream extends Duplex {
    readonly proto: { readonly callbacks: { readonly local: unknown[]; readonly remote: unknown[] }; cull(id: number): void }
    on(event: 'remote', listener: (remote: Record<string, (...args: unknown[]) => void>) => void): this
    on(event: 'fail' | 'error', listener: (error: Error) => void): this
    on(event: string, listener: (...args: never[]) => void): this
  }

  export default function dnode(methods: object | undefined, options: { weak: false }): DnodeStream
}

declare module 'dnode-protocol' {
  interface Protocol {
    on(event: 'request', listener: (request: object) => void): this
    request(method: string | number, values: unknown[]): void
    cull(id: number): void
  }

  export default function protocol(methods: object): Protocol
}
