import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import * as limits from '../src/limits.ts'

const OWNERS = ['session', 'multiplexer', 'resilient-swarm'] as const

/** What production says, by name, read from its own files. */
function limitsOf(name: string): ReadonlyMap<string, string> {
  const source = readFileSync(new URL(`../../../packages/${name}/src/limits.ts`, import.meta.url), 'utf8')
  return new Map([...source.matchAll(/^export const (\w+) = (.*)$/gm)].map(([, limit = '', value = '']) => [limit, value]))
}

describe('what the simulation assumes of the parts that it stands in for', () => {
  const theirs = OWNERS.flatMap((owner) => [...limitsOf(owner)].map(([name, value]) => ({ owner, name, value })))
  const shared = Object.entries(limits).filter(([name]) => theirs.some((limit) => limit.name === name))

  it.each(shared)('%s is what production has', (name, ours) => {
    const values = theirs.filter((limit) => limit.name === name).map(({ value }) => numbersOf(value))
    expect(values).toContainEqual(numbersOf(String(ours)))
  })

  it('is mostly theirs', () => {
    expect(shared.length).toBeGreaterThanOrEqual(20)
  })
})

/** `[700, 2_000] as const`, `64 * 1024`: the numbers alone, products worked out. */
function numbersOf(value: string): readonly number[] {
  const plain = value.replace(/_/g, '').replace(/[[\]]|as const/g, '')
  return plain.split(',').map((term) => term.split('*').reduce((product, factor) => product * Number(factor), 1))
}
