// Packs every published package the way it is published: pnpm writes real versions and drops what is ours alone.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pnpm, run } from './run.mjs'
import { publishedPackages } from './workspace.mjs'

const timeoutMs = 180_000

/** Packs into `folder`; resolves to the paths of the tarballs. Throws with pnpm's log when one cannot be packed. */
export async function packInto(folder) {
  const published = publishedPackages()
  const filters = published.map(({ name }) => `--filter=${name}`)
  const { code, output } = await run([...pnpm, '--recursive', ...filters, 'pack', '--pack-destination', folder], {
    quiet: true,
    timeoutMs,
  })
  if (code !== 0) throw new Error(`Packing failed:\n${output}`)
  const tarballs = readdirSync(folder).filter((file) => file.endsWith('.tgz'))
  if (tarballs.length !== published.length)
    throw new Error(`${tarballs.length} tarballs of ${published.length} packages:\n${output}`)
  return tarballs.map((file) => join(folder, file))
}
