import { createRuntime } from '@resilient-swarm/contract'
import { describeChannelConformance } from '@resilient-swarm/testkit'
import { createThree } from './three-nodes.ts'

describeChannelConformance('a circuit', {
  async create() {
    const three = createThree({ runtime: createRuntime() })
    const circuit = await three.dial()
    const incoming = three.bob.incoming[0]
    if (!incoming) throw new Error('bob has no circuit')
    return {
      alice: circuit.channel,
      bob: incoming.circuit.channel,
      async destroy() {
        await Promise.all([three.alice, three.bob, three.ruth].map(({ relay }) => relay.close()))
        for (const link of Object.values(three.links)) for (const multiplexer of link.multiplexers) multiplexer.close()
      },
    }
  },
})
