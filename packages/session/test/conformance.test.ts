import { SwarmError } from '@resilient-swarm/contract'
import { describeChannelConformance } from '@resilient-swarm/testkit'
import { createSessionPair, RELAYED } from './pair.ts'

describeChannelConformance('a session with one path', {
  async create() {
    const pair = createSessionPair()
    await pair.dial()
    return pair
  },
})

describeChannelConformance('a session with two paths', {
  async create() {
    const pair = createSessionPair()
    await pair.dial()
    await pair.dial({ by: 'bob', facts: RELAYED })
    return pair
  },
})

describeChannelConformance('a session whose path is replaced under way', {
  async create() {
    const pair = createSessionPair()
    const first = await pair.dial()
    const cut = () => first.channels[0].abort(new SwarmError('The cable was cut.', { code: 'ERR_TEST_CUT' }))
    void pair.dial().then(cut, cut) // refused where the test ends the session at once
    return pair
  },
})
