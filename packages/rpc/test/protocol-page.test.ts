import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from '@jest/globals'
import { encodeHex, type RawSubstream, utf8 } from '@resilient-swarm/contract'
import { cullLine, toAscii } from '../src/encode.ts'
import { CLOSE_CODES, RPC_LIMITS } from '../src/index.ts'
import { closeSessions, createVictim, openSession, settle } from './actors.ts'
import { createSubstreamPair, type TestSubstream } from './substream-pair.ts'

const page = readFileSync(new URL('../../../docs/protocol/rpc.md', import.meta.url), 'utf8')
const blocks = (kind: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => match[1] as string)
const linesOf = (kind: string): string[] => blocks(kind).join('').trimEnd().split('\n')

afterEach(closeSessions)

/** Notes what one end writes, line by line. */
function listen(name: string, end: TestSubstream, heard: string[]): void {
  const raw: RawSubstream = end.raw()
  const write = raw.write.bind(raw)
  raw.write = (bytes) => {
    for (const line of new TextDecoder().decode(bytes).trimEnd().split('\n')) heard.push(`${name}: ${line}`)
    return write(bytes)
  }
}

describe('docs/protocol/rpc.md', () => {
  it('shows the conversation as it is on the wire', async () => {
    const [alicesEnd, bobsEnd] = createSubstreamPair()
    const heard: string[] = []
    listen('alice', alicesEnd, heard)
    listen('bob', bobsEnd, heard)
    const methods = {
      sum: (left: number, right: number) => left + right,
      divide: () => {
        throw Object.assign(new Error('ÅÄÖ cannot be divided'), { code: 'ERR_DIVIDE' })
      },
      count: ({ upTo, tell }: { upTo: number; tell(count: number): void }) => {
        for (let count = 1; count <= upTo; count++) tell(count)
        return 'done'
      },
    }
    const alice = openSession<typeof methods>({ substream: alicesEnd, methods: { ping: () => null } })
    openSession({ substream: bobsEnd, methods })
    await alice.remote.sum(1, 2)
    await expect(alice.call('divide', [1, 0])).rejects.toMatchObject({ cause: { code: 'ERR_DIVIDE' } })
    let told = 0
    await alice.remote.count({ upTo: 1, tell: () => told++ })
    expect(told).toBe(1)
    expect(heard).toEqual(linesOf('conversation').map(toAscii))
    expect(page).toContain(toAscii('ÅÄÖ'))
  })

  it('shows the bytes of an answer', () => {
    const hex = linesOf('hex').map((row) => row.split('  ')[0])
    const answer = linesOf('conversation').find((line) => line.startsWith('bob: {"method":1,')) as string
    expect(hex.join('')).toBe(encodeHex(utf8(`${answer.slice('bob: '.length)}\n`)))
  })

  it('shows a cull', () => {
    expect(linesOf('cull')).toEqual([cullLine([1, 2, 4])])
  })

  it('lists every close code', () => {
    const rows = [...page.matchAll(/^\| (\d+) \| `(\w+)` \|/gm)].map((match) => [match[2], Number(match[1])])
    expect(Object.fromEntries(rows)).toEqual(CLOSE_CODES)
  })

  it('tells the limits that the code has', () => {
    const told = {
      lineBytesMax: 'at most 65,536 bytes without it',
      depthMax: 'nested at most 8 deep',
      callbacksMax: 'A line has at most 256 callbacks',
      inFlightMax: 'At most 256 calls are in flight',
      errorTextCharsMax: 'at most 1,024 characters',
      callTimeoutMs: 'gives no result for 30 s',
      closeTimeoutMs: 'does not end within 500 ms',
      cullBatchIds: '64 in a line',
      unsentAnswerBytesMax: 'more than 4 MiB of answers',
    } as const
    for (const [name, text] of Object.entries(told)) {
      expect(page).toContain(text)
      const [number, unit] = (text.match(/[\d,]+( s\b| MiB)?/) as RegExpMatchArray)[0].replace(',', '').split(' ')
      const factor = unit === 's' ? 1000 : unit === 'MiB' ? 1024 * 1024 : 1
      expect(RPC_LIMITS[name as keyof typeof told]).toBe(Number(number) * factor)
    }
  })

  for (const row of linesOf('refused')) {
    const [, code, line] = row.match(/^(\d+) (.*)$/) as RegExpMatchArray
    it(`refuses ${line} with ${code}`, async () => {
      const { alice, mallory } = createVictim({ methods: { sum: () => 0 } })
      mallory.send(line as string)
      expect(await alice.closed).toMatchObject({ code: Number(code) })
      await settle()
      expect(mallory.lines).toHaveLength(1)
    })
  }
})
