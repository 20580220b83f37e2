import { describeChannelConformance } from '@resilient-swarm/testkit'
import { securePair } from './secure-pair.ts'

describeChannelConformance('a cipher channel', {
  async create() {
    const { alice, bob } = await securePair()
    return { alice, bob }
  },
})
