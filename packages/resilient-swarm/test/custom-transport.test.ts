import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from '@jest/globals'
import { concatBytes, equalBytes, type PeerId } from '@resilient-swarm/contract'
import { webrtc } from '@resilient-swarm/webrtc'
import { endAll, startServer } from './custom-transport/ws-pair.ts'
import { wsTransport } from './custom-transport/ws-transport.ts'
import { connected, createNodes } from './nodes.ts'

describe('two swarms with no signal server', () => {
  const nodes = createNodes()
  afterEach(() => nodes.end().then(endAll))

  it('meet over the transport, and their streams go over it', async () => {
    const { server, url } = await startServer()
    const bob = nodes.join({ signals: [], transports: [wsTransport({ server }), webrtc()] })
    const urlOf = (peer: PeerId) => (peer === bob.publicKey ? url : undefined)
    const alice = nodes.join({ signals: [], transports: [wsTransport({ urlOf }), webrtc()] })
    bob.on('stream', (stream) => void stream.readable.pipeTo(stream.writable))
    const [atAlice, atBob] = await Promise.all([alice.call(bob.publicKey), connected(bob, alice)])
    expect(atAlice.path.kind).toBe('ws')
    expect(atBob.path.kind).toBe('ws')
    const stream = await atAlice.openStream('echo')
    const writer = stream.writable.getWriter()
    const sent = new Uint8Array(1024 * 1024).map((_, index) => index % 251)
    const writing = writer.write(sent).then(() => writer.close())
    const received: Uint8Array[] = []
    for await (const bytes of stream.readable) received.push(bytes)
    await writing
    expect(equalBytes(concatBytes(...received), sent)).toBe(true)
  })

  it('who is reached at the URL of somebody else is nobody', async () => {
    const { server, url } = await startServer()
    const mallory = nodes.join({ signals: [], transports: [wsTransport({ server })] })
    const bob = nodes.join({ signals: [], transports: [] })
    const alice = nodes.join({ signals: [], transports: [wsTransport({ urlOf: () => url })] })
    let met = 0
    for (const swarm of [alice, mallory]) swarm.on('peer', () => met++)
    await expect(alice.call(bob.publicKey, { signal: AbortSignal.timeout(1_000) })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(alice.why(bob.publicKey).some(({ text }) => text.includes(mallory.publicKey))).toBe(true)
    expect(met).toBe(0)
  })
})

describe('docs/custom-transport.md', () => {
  const page = readFileSync(new URL('../../../docs/custom-transport.md', import.meta.url), 'utf8')

  it('shows the very files that are tested here, in order', () => {
    const shown = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1])
    const files = ['ws-channel.ts', 'ws-transport.ts', 'example.ts']
    expect(shown).toEqual(files.map((file) => readFileSync(new URL(`custom-transport/${file}`, import.meta.url), 'utf8')))
  })

  it('explains every error code', () => {
    const codes = new Set(page.match(/\bERR_WS_[A-Z_]+/g))
    expect(codes.size).toBeGreaterThan(0)
    expect([...page.matchAll(/^\| `(ERR_WS_\w+)` \|/gm)].map(([, code]) => code).sort()).toEqual([...codes].sort())
  })

  it('has an example that runs', async () => {
    const { kind, answer } = await import('./custom-transport/example.ts')
    expect(kind).toBe('ws')
    expect(answer).toBe(42)
  })
})
