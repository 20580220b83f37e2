import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url, {
  before: `
    import { createKeyPair } from '@resilient-swarm/identity'
    const [alice, bob] = [createKeyPair().peerId, createKeyPair().peerId]
  `,
})
