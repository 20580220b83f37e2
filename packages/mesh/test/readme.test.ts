import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url, {
  before: `
    import { createKeyPair } from '@resilient-swarm/identity'
    import { isLarger } from '@resilient-swarm/mesh'
    const pair = [createKeyPair().peerId, createKeyPair().peerId]
    const [bob, alice] = isLarger(pair[0], pair[1]) ? [pair[1], pair[0]] : pair
  `,
})
