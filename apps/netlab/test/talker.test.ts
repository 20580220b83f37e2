import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from '@jest/globals'
import { startTalker, type Talker } from '../src/talker.ts'

// Every started program ends with the test; each says in one line of JavaScript what it does.
const talkers: Talker[] = []
const start = (code: string) => {
  const talker = startTalker([process.execPath, '-e', code], 'alice')
  talkers.push(talker)
  return talker
}
const timeoutMs = 10_000

afterEach(async () => {
  for (const talker of talkers.splice(0)) await talker.kill()
})

/** Answers each command with its name, or refuses it. */
const ANSWERER = `
  require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, name } = JSON.parse(line)
    const answer = name === 'refuse' ? { error: { message: 'no', code: 'ERR_NO' } } : { value: name }
    console.log(JSON.stringify({ id, ...answer }))
  })`

describe('a talker', () => {
  it('gives each question its own answer', async () => {
    const alice = start(ANSWERER)
    expect(await Promise.all(['one', 'two', 'three'].map((name) => alice.ask(name)))).toEqual(['one', 'two', 'three'])
  })

  it('rejects a refused question with its code and the name of who refused', async () => {
    await expect(start(ANSWERER).ask('refuse')).rejects.toMatchObject({ code: 'ERR_NO', message: 'alice: ERR_NO: no' })
  })

  it('waits for the event that fits', async () => {
    const alice = start(
      `for (const key of [1, 2, 3]) console.log(JSON.stringify({ event: 'peer', key })); process.stdin.resume()`,
    )
    expect(await alice.next('peer', { timeoutMs, fits: ({ key }) => key === 2 })).toEqual({ key: 2 })
  })

  it('waits no longer when another event rules it out', async () => {
    const alice = start(`console.log(JSON.stringify({ event: 'lost', code: 'ERR_X' })); process.stdin.resume()`)
    await expect(alice.next('received', { timeoutMs, unless: 'lost' })).rejects.toThrow('alice told \'lost\': {"code":"ERR_X"}')
  })

  it('rejects everything when the process ends, with its last words', async () => {
    const alice = start(`console.error('no such device'); process.exitCode = 3`)
    const [asked, awaited] = await Promise.allSettled([alice.ask('one'), alice.next('peer', { timeoutMs })])
    for (const settled of [asked, awaited]) {
      expect(settled).toMatchObject({ reason: { message: 'the process of alice ended (3)\nno such device' } })
    }
    await expect(alice.ask('two')).rejects.toThrow('the process of alice ended (3)')
  })

  it('rejects when the program cannot be started', async () => {
    const nobody = startTalker([fileURLToPath(new URL('./no-such-program', import.meta.url))], 'nobody')
    await expect(nobody.ask('one')).rejects.toThrow('no-such-program')
  })
})
