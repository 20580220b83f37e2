import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url, {
  before: "import { createChannelPair } from '@resilient-swarm/testkit'\nconst [alicesEnd, bobsEnd] = createChannelPair()",
})
