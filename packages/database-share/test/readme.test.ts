import { describeReadme } from '@resilient-swarm/testkit'

const people = new URL('./people.ts', import.meta.url).href
describeReadme(import.meta.url, {
  before: `
    import { createChannelPair } from '@resilient-swarm/testkit'
    import { openDatabase } from '${people}'
    const [alicesPouch, bobsPouch] = [openDatabase(), openDatabase()]
    const [alicesEnd, bobsEnd] = createChannelPair()
    const [alicesId, bobsId] = ['alice', 'bob']
  `,
})
