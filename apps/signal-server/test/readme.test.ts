import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url)

describe('the README', () => {
  it('has every option of the command', () => {
    const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const source = readFileSync(new URL('../src/main.ts', import.meta.url), 'utf8')
    const options = [...source.matchAll(/option\('(--[^']+)'/g)].map((match) => match[1] as string)
    expect(options.length).toBeGreaterThan(5)
    for (const option of options) expect(page).toContain(`\`${option}\``)
  })
})
