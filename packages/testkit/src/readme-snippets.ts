import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from '@jest/globals'

const FENCE = /^```ts(?: (?<flags>.*))?\n(?<code>[\s\S]*?)^```$/gm

/**
 * Runs every ```ts snippet of the README.md beside the test folder, as a module of its own. `before` is code put in
 * front of each (a server's address, say). A snippet fenced as ```ts only types is compiled by nobody here and skipped.
 */
export function describeReadme(
  testUrl: string,
  { before = '', readme = '../README.md' }: { before?: string; readme?: string } = {},
): void {
  const folder = dirname(fileURLToPath(testUrl))
  const page = readFileSync(join(folder, readme), 'utf8')
  const snippets = [...page.matchAll(FENCE)].filter((match) => match.groups?.['flags'] !== 'only types')
  describe('the README', () => {
    const scratch = join(folder, `.readme-${process.pid}`)
    afterAll(() => rmSync(scratch, { recursive: true, force: true }))
    it('shows the package at work', () => expect(snippets.length).toBeGreaterThan(0))
    for (const [index, match] of snippets.entries()) {
      it(`runs snippet ${index + 1}`, async () => {
        mkdirSync(scratch, { recursive: true })
        const file = join(scratch, `snippet-${index + 1}.ts`)
        writeFileSync(file, `${before}\n${match.groups?.['code'] ?? ''}\nexport {}\n`)
        await import(file)
      })
    }
  })
}
