import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url, {
  before: "import { createSubstreamPair } from '../substream-pair.ts'\nconst [alicesEnd, bobsEnd] = createSubstreamPair()",
})

describe('the README', () => {
  it('has a heading for every code', () => {
    const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const source = readFileSync(new URL('../src/rpc-error.ts', import.meta.url), 'utf8')
    const codes = [...source.matchAll(/^ {2}\| '(ERR_\w+)'$/gm)].map((match) => match[1])
    expect(codes.length).toBeGreaterThan(5)
    for (const code of codes) expect(page).toContain(`\n### ${code}\n`)
  })
})
