import { afterAll, beforeAll } from '@jest/globals'
import { describeReadme } from '@resilient-swarm/testkit'
import { createNodes } from './nodes.ts'

const nodes = createNodes()
beforeAll(async () => {
  process.env['RESILIENT_SWARM_SIGNALS'] = (await nodes.serve()).url
})
afterAll(async () => {
  delete process.env['RESILIENT_SWARM_SIGNALS']
  await nodes.end()
})

describeReadme(import.meta.url)
