import { describe, expect, it } from '@jest/globals'
import { createKeyPair } from '@resilient-swarm/identity'
import { createVirtualClock } from '@resilient-swarm/testkit'
import { createHistory } from '../src/history.ts'
import type { PeerId } from '../src/index.ts'
import { NOTED_PEERS_MAX, NOTES_PER_PEER_MAX } from '../src/limits.ts'

const alice = createKeyPair().peerId
const nobody = (index: number) => `rs1${index}` as PeerId

describe('the history', () => {
  it('keeps the latest notes of a peer, with their time', async () => {
    const clock = createVirtualClock({ startMs: 5 })
    const history = createHistory(clock)
    for (let index = 0; index <= NOTES_PER_PEER_MAX; index++) history.note(alice, `note ${index}`)
    await clock.advance(10)
    history.note(alice, 'the last')
    const notes = history.read(alice)
    expect(notes).toHaveLength(NOTES_PER_PEER_MAX)
    expect(notes[0]).toEqual({ atMs: 5, text: 'note 2' })
    expect(notes.at(-1)).toEqual({ atMs: 15, text: 'the last' })
  })

  it('tells what happened again and again once, with its last time', async () => {
    const clock = createVirtualClock({ startMs: 5 })
    const history = createHistory(clock)
    for (const text of ['no', 'no', 'yes', 'no']) {
      history.note(alice, text)
      await clock.advance(10)
    }
    expect(history.read(alice)).toEqual([
      { atMs: 15, text: 'no' },
      { atMs: 25, text: 'yes' },
      { atMs: 35, text: 'no' },
    ])
  })

  it('forgets whoever was noted longest ago', () => {
    const history = createHistory(createVirtualClock())
    history.note(nobody(0), 'first')
    history.note(nobody(1), 'second')
    history.note(nobody(0), 'again')
    for (let index = 2; index <= NOTED_PEERS_MAX; index++) history.note(nobody(index), 'one more')
    expect(history.read(nobody(0))).toHaveLength(2)
    expect(history.read(nobody(1))).toEqual([])
  })
})
