import { createChannelPair, describeChannelConformance } from '@resilient-swarm/testkit'

describeChannelConformance('a pair in memory', {
  async create() {
    const [alice, bob] = createChannelPair()
    return { alice, bob }
  },
})
