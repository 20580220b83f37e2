import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'

const source = (path: string) => fileURLToPath(new URL(`../src/${path}`, import.meta.url))

describe('a bundle for browsers', () => {
  it('takes the platform’s own WebSocket and nothing of Node', async () => {
    const { metafile, outputFiles } = await build({
      entryPoints: [source('index.ts')],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'browser',
      conditions: ['@resilient-swarm/source'],
      logLevel: 'error',
      // `browser` names what is published; here it is not built yet, so its source stands in.
      plugins: [
        {
          name: 'unbuilt',
          setup: ({ onResolve }) => {
            onResolve({ filter: /^#web-socket$/ }, () => ({ path: source('web-socket-browser.ts') }))
            onResolve({ filter: /^#default-engine$/ }, ({ resolveDir }) => ({ path: `${resolveDir}/engine-noble.ts` }))
          },
        },
      ],
    })
    const inputs = Object.keys(metafile.inputs)
    expect(inputs.filter((input) => /node_modules\/(?!.*@noble\/)|-node\.ts$/.test(input))).toEqual([])
    expect(outputFiles[0]?.text).not.toMatch(/from ?["']node:|require\(/)
  })

  it('is what package.json names for browsers', () => {
    const { imports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { imports: object }
    expect(Object.entries(imports)).toEqual([
      [
        '#web-socket',
        {
          browser: './dist/web-socket-browser.js',
          '@resilient-swarm/source': './src/web-socket-node.ts',
          default: './dist/web-socket-node.js',
        },
      ],
    ])
    expect(readFileSync(source('web-socket-browser.ts'), 'utf8')).not.toContain("'ws'")
  })
})
