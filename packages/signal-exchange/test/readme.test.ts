import { afterAll, beforeAll } from '@jest/globals'
import { describeReadme } from '@resilient-swarm/testkit'
import { startSmallServer } from './small-server.ts'

let server: { url: string; close(): void }
beforeAll(async () => {
  server = await startSmallServer()
  ;(globalThis as { serverUrl?: string }).serverUrl = server.url
})
afterAll(() => server.close())

describeReadme(import.meta.url, { before: 'const { serverUrl } = globalThis as never as { serverUrl: string }' })
