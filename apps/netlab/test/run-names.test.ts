import { describe, expect, it } from '@jest/globals'
import { isAlive, namespaceName, ownRun, parseNamespaceName, parseStartTicks } from '../src/run-names.ts'

describe('the name of a namespace', () => {
  it('says which run made it', () => {
    const run = { processId: 4711, startTicks: 99_000 }
    expect(parseNamespaceName(namespaceName(run, 'alice-nat'))).toEqual(run)
  })

  it.each(['alice', 'rsnetlab', 'rsnetlab-1-2', 'rsnetlab-x-2-alice', 'my-rsnetlab-1-2-alice', ''])(
    'of somebody else is not taken for ours: %j',
    (name) => {
      expect(parseNamespaceName(name)).toBeUndefined()
    },
  )

  it.each(['', 'Alice', 'a b', '../x', 'a'.repeat(41)])('takes no leaf such as %j', (leaf) => {
    expect(() => namespaceName({ processId: 1, startTicks: 1 }, leaf)).toThrow(RangeError)
  })
})

describe('a run', () => {
  it('is alive while its process is, and not when another process has its number', () => {
    const own = ownRun()
    expect(isAlive(own)).toBe(true)
    expect(isAlive({ ...own, startTicks: own.startTicks - 1 })).toBe(false)
    expect(isAlive({ ...own, processId: 2 ** 30 })).toBe(false)
  })

  it('began when the 22nd field says, whatever the program is called', () => {
    const fields = Array.from({ length: 50 }, (_, index) => index + 3)
    expect(parseStartTicks(`4711 (a) S (b) ${fields.join(' ')}`)).toBe(22)
  })
})
