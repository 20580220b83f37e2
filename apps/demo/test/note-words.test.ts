import { expect, it } from '@jest/globals'
import { gatherNotes, noteWords } from '../src/note-words.ts'

const ruth = `rs1${'abcdefg'.repeat(8)}23`

it('a note’s keys are cut, every one, and its other words are not', () => {
  expect(noteWords(`circuit through ${ruth}: connected`)).toBe('circuit through rs1abcd…fg23: connected')
  expect(noteWords(`${ruth} ${ruth}`)).toBe('rs1abcd…fg23 rs1abcd…fg23')
  expect(noteWords(`x${ruth} ${ruth}a rs1short`)).toBe(`x${ruth} ${ruth}a rs1short`)
})

it('what happened again and again is told once, where it last did', () => {
  const notes = ['dialled', `refused by ${ruth}`, 'dialled', 'lost', `refused by ${ruth}`].map((text, atMs) => ({ atMs, text }))
  expect(gatherNotes(notes)).toEqual([
    { atMs: 2, text: 'dialled', times: 2 },
    { atMs: 3, text: 'lost', times: 1 },
    { atMs: 4, text: 'refused by rs1abcd…fg23', times: 2 },
  ])
})

it('two keys that are cut to the same are two notes', () => {
  const other = ruth.replace('gab', 'gba')
  expect(gatherNotes([ruth, other].map((text) => ({ atMs: 0, text })))).toHaveLength(2)
})
