import { expect, it } from '@jest/globals'
import { utf8 } from '@resilient-swarm/contract'
import { createSeededRandom, quickestMs } from '@resilient-swarm/testkit'
import { checkDocument } from '../src/document.ts'
import { encodeMessage, parseAnswer, parseQuestion } from '../src/messages.ts'
import { createPieceJoiner } from '../src/pieces.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 3_000)
/** One message of some hundred bytes: what takes longer than this is no longer linear. */
const SLOWEST_MS = 50

const MESSAGES = [
  '{"type":"open","v":1,"database":"d","documentBytesMax":8388608}',
  '{"type":"changes","request":1,"since":0,"limit":250,"wait":true}',
  '{"type":"documents","request":2,"bytesMax":100,"wanted":[["a","1-b"],["c","2-d"]]}',
  '{"type":"rows","request":1,"rows":[["a",1,["1-b","2-c"]],["d","7-g",["3-e"]]],"last":9,"pending":null}',
  '{"type":"found","request":2,"documents":[{"_id":"a","_rev":"2-b","_revisions":{"start":2,"ids":["b","c"]},"x":[1,{"y":"z"}]},{"_id":"b"}]}',
  '{"type":"found","request":2,"documents":[{"_id":"a","_rev":"1-b","_revisions":{"start":1,"ids":["b"]},"_attachments":{"f":{"content_type":"t","data":"AAAA","revpos":1}}}]}',
  '{"type":"large","request":2,"id":"a"}',
  '{"type":"end","request":2,"left":0}',
]
/** What replaces a value or a name. */
const ODD = [
  ...['null', '1e999', '-1', '1.5', '9007199254740993', '1e309', '""', '[]', '{}', 'true', '"_design/x"', '"_local/x"'],
  ...['"__proto__"', '"constructor"', '"toString"', '"\\ud800"', '"\\u0000"', `"${'a'.repeat(600)}"`, '[[[[[[]]]]]]'],
  ...['{"__proto__":{"_id":"a"}}', `${'['.repeat(70)}${']'.repeat(70)}`, '"9999999999-a"', '"1-"', '"now"'],
]

const seed = Date.now() & 0x7fff_ffff

it(`${RUNS} changed messages are refused or are messages, and nothing of a prototype comes in (seed ${seed})`, () => {
  const random = createSeededRandom(seed)
  const below = (count: number) => Math.floor(random.fraction() * count)
  const pick = <Item>(items: readonly Item[]) => items[below(items.length)] as Item
  let slowestMs = 0
  let taken = 0
  for (let run = 0; run < RUNS; run++) {
    let text = pick(MESSAGES)
    for (let changes = 1 + below(3); changes > 0; changes--) {
      const at = below(text.length)
      const kind = below(4)
      if (kind === 0) text = text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + 1)
      else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1 + below(8))
      else text = replaceOne(text, below(12), pick(ODD), kind === 2)
    }
    const bytes = below(10) === 0 ? random.bytes(below(200)) : utf8(text)
    const startedMs = performance.now()
    for (const parse of [parseQuestion, parseAnswer]) {
      const message = parse(bytes)
      if (!message) continue
      taken++
      if (message.type !== 'found') {
        expect(parse(encodeMessage(message))).toEqual(message)
        continue
      }
      for (const document of message.documents) {
        const checked = checkDocument(document)
        if (typeof checked === 'string') continue
        expect(Object.getPrototypeOf(checked)).toBe(Object.prototype)
        expect(checked._id).not.toMatch(/^_/)
      }
    }
    const tookMs = performance.now() - startedMs
    if (tookMs > SLOWEST_MS)
      slowestMs = Math.max(
        slowestMs,
        quickestMs(() => [parseQuestion(bytes), parseAnswer(bytes)]),
      )
  }
  expect(({} as { _id?: string })._id).toBeUndefined()
  expect(taken).toBeGreaterThan(RUNS / 20) // it is not all noise
  expect(slowestMs).toBeLessThan(SLOWEST_MS)
})

/** The n-th value of the text, or name, becomes another. */
function replaceOne(text: string, place: number, by: string, isName: boolean): string {
  let seen = 0
  return text.replace(isName ? /"[a-z_]+"(?=:)/g : /(?<=[:[,])("[^"]*"|\d+|null|true)/g, (found) =>
    seen++ === place ? by : found,
  )
}

it(`${RUNS} pieces of any bytes are joined within the bounds or refused`, () => {
  const random = createSeededRandom(seed)
  const bytesMax = { question: 300, answer: 500 }
  let longest = { question: 0, answer: 0 }
  const fresh = () =>
    createPieceJoiner({
      bytesMax,
      onMessage(lane, message) {
        longest = { ...longest, [lane]: Math.max(longest[lane], message.byteLength) }
      },
    })
  let joiner = fresh()
  for (let run = 0; run < RUNS; run++) {
    const piece = random.bytes(Math.floor(random.fraction() * 120))
    if (piece.byteLength > 0 && random.fraction() < 0.98) piece[0] = (piece[0] as number) & 3
    if (!joiner.push(piece)) joiner = fresh()
  }
  expect(longest.question).toBeLessThanOrEqual(bytesMax.question)
  expect(longest.answer).toBeLessThanOrEqual(bytesMax.answer)
  expect(longest.answer).toBeGreaterThan(0)
})
