import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { round } from './statistics.ts'

/** What a page loads, minified and gzipped: `core` to join, `full` with PouchDB, which comes in its own chunks. */
export async function measureBundle() {
  const bundle = await build({
    stdin: { contents: "export { Swarm } from 'resilient-swarm'", resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    minify: true,
    metafile: true,
    write: false,
    outdir: 'bundle',
  })
  const sizeOf = new Map(
    bundle.outputFiles.map(({ path, contents }) => [
      path.slice(path.lastIndexOf('/') + 1),
      gzipSync(contents, { level: 9 }).byteLength,
    ]),
  )
  const outputs = Object.entries(bundle.metafile.outputs)
  const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)
  const eager = new Set<string>()
  const visit = (path: string): void => {
    if (eager.has(path)) return
    eager.add(path)
    for (const { path: next, kind } of bundle.metafile.outputs[path]?.imports ?? []) if (kind === 'import-statement') visit(next)
  }
  for (const [path, { entryPoint }] of outputs) if (entryPoint === '<stdin>') visit(path)
  const kib = (paths: Iterable<string>) =>
    round([...paths].reduce((sum, path) => sum + (sizeOf.get(nameOf(path)) ?? 0), 0) / 1024, 1)
  return { bundleGzipKiB: { core: kib(eager), full: kib(outputs.map(([path]) => path)) } }
}
