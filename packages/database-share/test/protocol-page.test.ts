import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { decodeHex, decodeUtf8, utf8 } from '@resilient-swarm/contract'
import { encodeJson } from '../src/bounded-json.ts'
import { checkDocument } from '../src/document.ts'
import { EXCHANGE_END } from '../src/index.ts'
import { encodeFound, encodeMessage, type Message, parseAnswer, parseQuestion } from '../src/messages.ts'
import { createPieceJoiner } from '../src/pieces.ts'

const page = readFileSync(new URL('../../../docs/protocol/shared-database.md', import.meta.url), 'utf8')

function blockOf(title: string): string {
  const block = page.match(new RegExp(`^\`\`\`${title}\\n([^\`]*)^\`\`\`$`, 'm'))?.[1]
  if (block === undefined) throw new Error(`the page has no ${title}`)
  return block.trim()
}

describe('docs/protocol/shared-database.md', () => {
  it.each(['open', 'changes', 'documents'])('shows the question %s letter for letter', (type) => {
    const text = blockOf(`json ${type}`)
    const question = parseQuestion(utf8(text))
    expect(question?.type).toBe(type)
    expect(decodeUtf8(encodeMessage(question as Message))).toBe(text)
    expect(parseAnswer(utf8(text))).toBeUndefined()
  })

  it.each(['rows', 'found', 'large', 'end'])('shows the answer %s letter for letter', (type) => {
    const text = blockOf(`json ${type}`)
    const answer = parseAnswer(utf8(text))
    expect(answer?.type).toBe(type)
    expect(decodeUtf8(encodeMessage(answer as Message))).toBe(text)
    expect(parseQuestion(utf8(text))).toBeUndefined()
  })

  it('shows a document that is let in', () => {
    const { request, documents } = JSON.parse(blockOf('json found'))
    expect(documents.map(checkDocument)).toEqual(documents)
    expect(decodeUtf8(encodeFound(request, documents.map(encodeJson)))).toBe(blockOf('json found'))
  })

  it('shows a piece byte for byte', () => {
    const messages: [string, string][] = []
    const joiner = createPieceJoiner({
      bytesMax: { question: 1_000, answer: 1_000 },
      onMessage: (lane, message) => messages.push([lane, decodeUtf8(message) as string]),
    })
    expect(joiner.push(decodeHex(blockOf('hex piece').replace(/#.*$/gm, '').replace(/\s/g, '')))).toBe(true)
    expect(messages).toEqual([['answer', blockOf('json end')]])
  })

  it('lists every end', () => {
    for (const [name, code] of Object.entries(EXCHANGE_END)) expect(page).toContain(`| ${code} | ${name} |`)
  })
})
