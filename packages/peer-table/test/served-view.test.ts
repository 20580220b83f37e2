import { expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { FEED_CHANGES_MAX } from '../src/limits.ts'
import { PeerIndex } from '../src/peer-index.ts'
import { serveView } from '../src/served-view.ts'
import { INSTANCE_BYTES, parseViewMessage } from '../src/view-messages.ts'
import { recordOf } from './documents.ts'
import { keyPairOf } from './tables.ts'

const NOW = 1_700_000_000_000

function serve(count: number) {
  const index = new PeerIndex()
  const put = (number: number, isNews = false): void => {
    const publicKey = new Uint8Array(32)
    new DataView(publicKey.buffer).setUint32(0, number)
    const record = { ...recordOf(keyPairOf(1), { createdMs: NOW }), id: `peer ${number}` as PeerId }
    index.put({
      record,
      publicKey: publicKey as never,
      envelope: new Uint8Array(120),
      introducer: undefined,
      via: undefined,
      isNews,
    })
  }
  for (let number = 0; number < count; number++) put(number)
  const told: string[] = []
  const view = serveView({
    index,
    instance: new Uint8Array(INSTANCE_BYTES),
    peer: 'reader' as PeerId,
    via: {},
    nowMs: () => NOW,
    messageBytesMax: 16 * 1024,
    takePush: () => true,
    send(bytes) {
      const message = parseViewMessage(bytes)
      told.push(message?.type === 'changes' ? `${message.changes.length} changes` : String(message?.type))
      return true
    },
    onGathering() {},
  })
  view.begin()
  view.receive({ type: 'subscribe', since: 0, ahead: 0 })
  return { view, told, put }
}

it('tells a whole table half of the window at a time, and its end at once', () => {
  const { view, told } = serve(2 * FEED_CHANGES_MAX)
  expect(told.splice(0)).toEqual(['info', `${FEED_CHANGES_MAX} changes`])
  view.receive({ type: 'done', feedSeq: FEED_CHANGES_MAX / 2 - 1 })
  expect(told).toEqual([])
  view.receive({ type: 'done', feedSeq: FEED_CHANGES_MAX / 2 })
  expect(told.splice(0)).toEqual([`${FEED_CHANGES_MAX / 2} changes`])
  view.receive({ type: 'done', feedSeq: FEED_CHANGES_MAX })
  expect(told.splice(0)).toEqual([`${FEED_CHANGES_MAX / 2} changes`, 'caughtUp'])
})

it('tells what is new while there is any room at all', () => {
  const { told, put } = serve(FEED_CHANGES_MAX - 1)
  expect(told.splice(0)).toEqual(['info', `${FEED_CHANGES_MAX - 1} changes`, 'caughtUp'])
  put(5000, true)
  expect(told.splice(0)).toEqual(['1 changes'])
  put(5001, true)
  expect(told).toEqual([])
})
