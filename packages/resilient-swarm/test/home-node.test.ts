import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createRuntime } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import type { Home } from '../src/home.ts'
import { openHome as openBrowserHome } from '../src/home-browser.ts'
import { openHome } from '../src/home-node.ts'
import { MEMORY_BYTES_MAX } from '../src/limits.ts'

const alice = createKeyPair().peerId
let place: string
let folder: string
const homes: Home[] = []
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'swarm-home-'))
  folder = join(place, 'deep', 'alice')
})
afterEach(() => {
  for (const home of homes.splice(0)) home.leave()
  rmSync(place, { recursive: true, force: true })
})

function open(seed?: Uint8Array): Home {
  const home = openHome({ folder, seed, network: 'test', runtime: createRuntime() })
  homes.push(home)
  return home
}
const coded = (code: string, words = '') => expect.objectContaining({ code, message: expect.stringContaining(words) })

describe('the seed in the folder', () => {
  it('is made once, and for its owner alone', () => {
    const first = open()
    expect(first.seed).toHaveLength(32)
    first.leave()
    expect(open().seed).toEqual(first.seed)
    expect(statSync(join(folder, 'seed')).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(readdirSync(folder).sort()).toEqual(['lock', 'seed'])
  })

  it('is neither read nor written when the user gives one', () => {
    const seed = new Uint8Array(32).fill(9)
    expect(open(seed).seed).toBe(seed)
    expect(readdirSync(folder)).toEqual(['lock'])
  })

  it.each([
    ['is torn', new Uint8Array(31).fill(1), '31 bytes'],
    ['is empty', new Uint8Array(0), '0 bytes'],
    ['is too long', new Uint8Array(33).fill(1), 'more than 32'],
    ['holds nothing but zeros', new Uint8Array(32), 'zeros'],
  ])('that %s ends the start, says what to do, and stays as it is', (_, bytes, words) => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'seed'), bytes)
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(() => open()).toThrow(coded('ERR_SEED_FILE', words))
      expect(() => open()).toThrow(coded('ERR_SEED_FILE', 'delete it to become a new one'))
    }
    expect(new Uint8Array(readFileSync(join(folder, 'seed')))).toEqual(bytes)
  })

  it('that cannot be read ends the start, too', () => {
    mkdirSync(join(folder, 'seed'), { recursive: true })
    expect(() => open()).toThrow(coded('ERR_SEED_FILE', 'cannot be read'))
  })

  it('that was being written when the machine stopped is not there yet', () => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'seed.new'), new Uint8Array(7))
    expect(open().seed).toHaveLength(32)
    expect(readdirSync(folder)).not.toContain('seed.new')
  })
})

describe('the folder', () => {
  it('that cannot be made ends the start of a node without a seed', () => {
    writeFileSync(join(place, 'deep'), 'a file')
    expect(() => open()).toThrow(coded('ERR_FOLDER', 'cannot be written'))
  })

  it('that cannot be written is told by a node that has its seed', () => {
    writeFileSync(join(place, 'deep'), 'a file')
    expect(open(new Uint8Array(32).fill(9)).trouble).toEqual(coded('ERR_FOLDER'))
  })

  it('is one node’s, also within a process', () => {
    const first = open()
    expect(() => open()).toThrow(coded('ERR_FOLDER_BUSY', `process ${process.pid}`))
    first.leave()
    first.leave()
    open()
  })

  it.each([
    ['a process that ended', async () => `${await pidOfEnded()} 12345`],
    ['an earlier process of this number', async () => `${process.pid} 1`],
    ['a start that stopped half way', async () => ''],
    ['noise', async () => 'x'.repeat(100)],
  ])('is taken over from %s', async (_, lock) => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'lock'), await lock())
    open()
    expect(readFileSync(join(folder, 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `))
    expect(readdirSync(folder).sort()).toEqual(['lock', 'seed'])
  })

  it('stays locked by whoever took it over meanwhile', () => {
    const first = open()
    writeFileSync(join(folder, 'lock'), '1 1')
    first.leave()
    expect(readFileSync(join(folder, 'lock'), 'utf8')).toBe('1 1')
    rmSync(join(folder, 'lock'))
  })

  async function pidOfEnded(): Promise<number> {
    const child = spawn('true')
    await once(child, 'exit')
    return child.pid as number
  }
})

describe('the memory in the folder', () => {
  it('comes back, or is not there', async () => {
    const home = open()
    expect(await home.recall(alice)).toBeUndefined()
    await home.keep(alice, 'one')
    await home.keep(alice, 'two')
    expect(await home.recall(alice)).toBe('two')
    expect(statSync(join(folder, 'memory.json')).mode & 0o777).toBe(0o600)
  })

  it('is read up to its bound', async () => {
    const home = open()
    await home.keep(alice, 'x'.repeat(MEMORY_BYTES_MAX + 1))
    expect(await home.recall(alice)).toHaveLength(MEMORY_BYTES_MAX)
  })

  it('is told when it cannot be written', async () => {
    const home = open()
    mkdirSync(join(folder, 'memory.json.new'))
    await expect(home.keep(alice, 'one')).rejects.toThrow('EISDIR')
    chmodSync(folder, 0o700)
  })
})

describe('without a folder', () => {
  it('nothing is touched', async () => {
    const home = openHome({ folder: undefined, seed: undefined, network: 'test', runtime: createRuntime() })
    expect([home.seed, home.tableFolder, await home.recall(alice)]).toEqual([undefined, undefined, undefined])
  })

  it('a page is told that it has none', () => {
    expect(() => openBrowserHome({ folder, seed: undefined, network: 'test', runtime: createRuntime() })).toThrow(TypeError)
  })
})
