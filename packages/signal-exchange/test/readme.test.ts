import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { describeReadme } from '@resilient-swarm/testkit'
import { startSmallServer } from './small-server.ts'

let server: { url: string; close(): void }
beforeAll(async () => {
  server = await startSmallServer()
  ;(globalThis as { serverUrl?: string }).serverUrl = server.url
})
afterAll(() => server.close())

describeReadme(import.meta.url, { before: 'const { serverUrl } = globalThis as never as { serverUrl: string }' })

describe('the README', () => {
  it('has a heading for every code', () => {
    const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const source = readFileSync(new URL('../src/errors.ts', import.meta.url), 'utf8')
    const codes = [...source.matchAll(/^ {2}\| '(ERR_\w+)'$/gm)].map((match) => match[1])
    expect(codes).toHaveLength(14)
    expect([...page.matchAll(/^### (ERR_\w+)$/gm)].map((match) => match[1])).toEqual(codes)
  })
})
