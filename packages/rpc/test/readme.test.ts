import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url, {
  before: "import { createSubstreamPair } from '../substream-pair.ts'\nconst [alicesEnd, bobsEnd] = createSubstreamPair()",
})
