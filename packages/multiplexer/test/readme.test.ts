import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { describeReadme } from '@resilient-swarm/testkit'

describeReadme(import.meta.url)

it('has a heading for every error code', () => {
  const [source, page] = ['../src/errors.ts', '../README.md'].map((path) => readFileSync(new URL(path, import.meta.url), 'utf8'))
  const codes = [...(source?.matchAll(/\| '(ERR_[A-Z_]+)'/g) ?? [])].map((match) => match[1])
  expect(codes).toHaveLength(5)
  for (const code of codes) expect(page).toContain(`### ${code}\n`)
})
