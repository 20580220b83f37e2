import { describe, expect, it } from '@jest/globals'
import { createVirtualClock } from '@resilient-swarm/testkit'
import { type ConnectionCause, chooseNext, createConnectionPace } from '../src/connection-pace.ts'
import { BACKGROUND_PATIENCE_MS, PAGE_CONNECTIONS_BURST, PAGE_CONNECTIONS_PER_SECOND } from '../src/limits.ts'

const rate = { perSecond: PAGE_CONNECTIONS_PER_SECOND, burst: PAGE_CONNECTIONS_BURST }

function paceOnClock() {
  const clock = createVirtualClock()
  const pace = createConnectionPace({ clock, rate })
  const begun: string[] = []
  function take(name: string, cause: ConnectionCause | (() => ConnectionCause) = 'dial') {
    const abort = new AbortController()
    const taken = pace.take({ cause: typeof cause === 'function' ? cause : () => cause, signal: abort.signal })
    taken.then(
      () => begun.push(name),
      () => begun.push(`${name} aborted`),
    )
    return abort
  }
  return { clock, begun, take }
}

describe('the pace of new connections', () => {
  it('is three at once and one a second after them', async () => {
    const { clock, begun, take } = paceOnClock()
    for (let index = 0; index < PAGE_CONNECTIONS_BURST + 2; index++) take(`${index}`)
    await clock.advance(0)
    expect(begun).toHaveLength(PAGE_CONNECTIONS_BURST)
    await clock.advance(999)
    expect(begun).toHaveLength(PAGE_CONNECTIONS_BURST)
    await clock.advance(1)
    expect(begun).toHaveLength(PAGE_CONNECTIONS_BURST + 1)
    await clock.advance(1_000)
    expect(begun).toHaveLength(PAGE_CONNECTIONS_BURST + 2)
    expect(clock.pending).toBe(0)
  })

  it('lets dials and answers take turns, and the mesh go when nobody else waits', async () => {
    const { clock, begun, take } = paceOnClock()
    for (const name of ['1', '2', '3']) take(name)
    take('mesh', 'background')
    for (const name of ['dial a', 'dial b']) take(name)
    for (const name of ['answer a', 'answer b']) take(name, 'answer')
    await clock.advance(4_000)
    expect(begun.slice(3)).toEqual(['answer a', 'dial a', 'answer b', 'dial b'])
    await clock.advance(1_000)
    expect(begun.at(-1)).toBe('mesh')
  })

  it('a dial of the mesh that somebody begins to wait for goes first', async () => {
    const { clock, begun, take } = paceOnClock()
    for (const name of ['1', '2', '3']) take(name)
    let cause: ConnectionCause = 'background'
    take('other', 'background')
    take('wished', () => cause)
    cause = 'dial'
    await clock.advance(1_000)
    expect(begun.at(-1)).toBe('wished')
  })

  it('one that was cancelled takes no turn, and leaves no timer', async () => {
    const { clock, begun, take } = paceOnClock()
    for (const name of ['1', '2', '3']) take(name)
    const abort = take('cancelled')
    abort.abort()
    await clock.advance(0)
    expect(begun.at(-1)).toBe('cancelled aborted')
    expect(clock.pending).toBe(0)
    await clock.advance(1_000)
    take('next')
    await clock.advance(0)
    expect(begun.at(-1)).toBe('next')
  })
})

describe('who goes next', () => {
  const waits = (cause: ConnectionCause, sinceMs = 0) => ({ cause, sinceMs })
  it.each([
    ['nobody', [], 'dial', undefined],
    ['the only one', [waits('background')], 'dial', 0],
    ['an answer after a dial', [waits('dial'), waits('answer')], 'dial', 1],
    ['a dial after an answer', [waits('answer'), waits('dial')], 'answer', 1],
    ['the oldest of a kind', [waits('dial'), waits('dial')], 'dial', 0],
    ['the mesh when it has waited for long', [waits('dial'), waits('background', -BACKGROUND_PATIENCE_MS)], 'dial', 1],
    ['not the mesh a moment before', [waits('dial'), waits('background', 1 - BACKGROUND_PATIENCE_MS)], 'dial', 0],
    ['not the mesh twice', [waits('dial'), waits('background', -BACKGROUND_PATIENCE_MS)], 'background', 0],
  ] as const)('%s', (_, waiting, last, expected) => {
    expect(chooseNext(waiting, { last, nowMs: 0 })).toBe(expected)
  })
})
