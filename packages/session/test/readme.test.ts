import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url, {
  before: `import { createChannelPair } from '@resilient-swarm/testkit'
const [alicesEnd, bobsEnd] = createChannelPair()
const [alicesOtherEnd, bobsOtherEnd] = createChannelPair()`,
})
