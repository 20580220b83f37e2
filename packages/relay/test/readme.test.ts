import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url, {
  before: `
    import { createMultiplexer } from '@resilient-swarm/multiplexer'
    import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
    import { idOf } from '../three-nodes.ts'
    const runtime = createTestRuntime()
    const console = { log() {} }
    const neighbours = { alice: new Map(), bob: new Map(), ruth: new Map() }
    const connected = (name) => ({
      self: idOf(name),
      runtime,
      openSubstream: (peer) => neighbours[name].get(peer)?.openSubstream('relay'),
      isDirect: (peer) => neighbours[name].has(peer),
      judgeIncoming: () => 'accept',
    })
    const join = (nodes) => {
      for (const name of ['alice', 'bob']) {
        const ends = createChannelPair()
        for (const [own, other, channel] of [[name, 'ruth', ends[0]], ['ruth', name, ends[1]]]) {
          const onSubstream = (substream) => nodes[own].receive(idOf(other), substream)
          neighbours[own].set(idOf(other), createMultiplexer({ channel, role: 'initiator', runtime, onSubstream }))
        }
      }
    }
    let heard
    const firstMessage = new Promise((resolve) => {
      heard = (from, circuit) => {
        circuit.channel.onMessage = (message) => resolve({ from, text: new TextDecoder().decode(message) })
      }
    })
  `,
})
