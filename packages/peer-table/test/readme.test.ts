import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url, {
  before: "import { createChannelPair } from '@resilient-swarm/testkit'\nconst [alicesEnd, bobsEnd] = createChannelPair()",
})

describe('the README', () => {
  it('has a heading for every code', () => {
    const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const source = readFileSync(new URL('../src/table-error.ts', import.meta.url), 'utf8')
    const codes = [...source.matchAll(/'(ERR_\w+)'/g)].map((match) => match[1])
    expect(new Set(codes).size).toBe(5)
    for (const code of codes) expect(page).toContain(`\n### ${code}\n`)
  })
})
