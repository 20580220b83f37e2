import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url)
