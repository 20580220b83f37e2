import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url, {
  before: `import { ALICE as alice, BOB as bob, createSignalLines } from '../path-pair.ts'
const { alice: alicesLine, bob: bobsLine } = createSignalLines()`,
})
