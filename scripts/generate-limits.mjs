// Writes docs/limits.md from every limits.ts: one row a limit, with the reason that stands beside it in the code.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseLimits } from './parse-limits.mjs'
import { rootFolder } from './run.mjs'
import { readWorkspace } from './workspace.mjs'

const pagePath = join(rootFolder, 'docs', 'limits.md')
const heading = `# Limits

Generated from every package's \`limits.ts\` by \`npm run limits\`; change the code, not this page.
`

/** The complaints: none when docs/limits.md says what the code says. */
export function checkLimits() {
  const current = existsSync(pagePath) ? readFileSync(pagePath, 'utf8') : ''
  return current === renderPage() ? [] : ['docs/limits.md is not what the code says: run npm run limits']
}

function renderPage() {
  const sections = readWorkspace().flatMap(({ name, folder }) => {
    const path = join(folder, 'src', 'limits.ts')
    if (!existsSync(join(rootFolder, path))) return []
    const rows = parseLimits(readFileSync(join(rootFolder, path), 'utf8'))
    const lines = rows.map(({ limit, value, why }) => `| \`${limit}\` | ${value} | ${why} |`)
    return [`\n## ${name}\n\nIn [${path}](../${path}).\n\n| limit | value | why |\n|---|---|---|\n${lines.join('\n')}\n`]
  })
  return heading + sections.join('')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(pagePath, renderPage())
