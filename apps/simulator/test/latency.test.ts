import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { loadLatency, readMeasured, rttBetween, synthesizeLatency } from '../src/latency.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function fileOf(words: readonly number[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'latency-'))
  folders.push(folder)
  const file = join(folder, 'three.u16')
  writeFileSync(file, Uint8Array.from(words.flatMap((word) => [word & 0xff, word >> 8])))
  return file
}

describe('measured round trips', () => {
  it('are the upper triangle row by row, in tenths of a millisecond, the same both ways', () => {
    const latency = readMeasured(fileOf([4, 0, 10, 20, 30, 120, 130, 2_305]))
    expect(latency.source).toBe('three.u16')
    expect(latency.rttMs(0, 1)).toBeCloseTo(1)
    expect(latency.rttMs(3, 0)).toBeCloseTo(3)
    expect(latency.rttMs(1, 2)).toBeCloseTo(12)
    expect(latency.rttMs(2, 3)).toBeCloseTo(230.5)
  })

  it('have the median where nothing was measured', () => {
    const latency = readMeasured(fileOf([3, 0, 10, 0, 30]))
    expect(latency.rttMs(0, 2)).toBeCloseTo(1)
  })

  it('are refused when the file has another size', () => {
    const file = fileOf([4, 0, 10, 20])
    expect(() => readMeasured(file)).toThrow('no triangle')
  })

  it('give way to a model that says that it is one, where no files are', () => {
    expect(loadLatency(1, tmpdir()).source).toContain('synthetic')
  })
})

describe('the model', () => {
  it('has about the median and the tails of measured ones, and the same for the same seed', () => {
    const latency = synthesizeLatency(7)
    const rtts: number[] = []
    for (let one = 0; one < 100; one++) for (let other = 0; other < one; other++) rtts.push(latency.rttMs(one, other))
    rtts.sort((one, other) => one - other)
    expect(rtts[rtts.length >> 1]).toBeGreaterThan(100)
    expect(rtts[rtts.length >> 1]).toBeLessThan(170)
    expect(rtts[0]).toBeGreaterThan(0)
    expect(synthesizeLatency(7).rttMs(3, 99)).toBe(latency.rttMs(3, 99))
    expect(synthesizeLatency(8).rttMs(3, 99)).not.toBe(latency.rttMs(3, 99))
  })

  it('adds only the access of two nodes of one place', () => {
    const latency = synthesizeLatency(1)
    expect(rttBetween(latency, { place: 5, accessMs: 1 }, { place: 5, accessMs: 2 })).toBe(3)
    expect(rttBetween(latency, { place: 5, accessMs: 1 }, { place: 6, accessMs: 2 })).toBe(latency.rttMs(5, 6))
  })
})
