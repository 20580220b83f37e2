import { describe, expect, it } from '@jest/globals'
import { abortedError, createRuntime, MessageSlot, Scope, SwarmError } from '@resilient-swarm/contract'

const { clock } = createRuntime()

describe('a scope', () => {
  it('ends everything, newest first, even when one end fails', async () => {
    const ended: string[] = []
    const scope = new Scope()
    scope.add(() => void ended.push('first'))
    scope.add(() => {
      throw new Error('this one fails')
    })
    scope.add(() => void ended.push('third'))
    const child = scope.child()
    child.add(() => void ended.push('child'))
    await scope.close()
    expect(ended).toEqual(['child', 'third', 'first'])
    expect(child.isClosed).toBe(true)
    expect(scope.signal.aborted).toBe(true)
  })

  it('ends a latecomer at once, and is idempotent', async () => {
    const scope = new Scope()
    let count = 0
    scope.add(() => void count++)
    await Promise.all([scope.close(), scope.close()])
    await new Promise<void>((resolve) => scope.add(resolve))
    expect(count).toBe(1)
  })

  it('forgets what ended by itself: a child, a timer that fired, an end that was taken back', async () => {
    const scope = new Scope()
    const ended: string[] = []
    scope.add(() => void ended.push('taken back'))()
    await scope.child().close()
    await new Promise<void>((resolve) => scope.timer(clock, 0, resolve))
    scope.timer(clock, 60_000, () => ended.push('never')).cancel()
    const target = new EventTarget()
    scope.listen(target, 'ping', () => ended.push('heard'))
    target.dispatchEvent(new Event('ping'))
    await scope.close()
    target.dispatchEvent(new Event('ping'))
    expect(ended).toEqual(['heard'])
  })
})

describe('a message slot', () => {
  const message = (value: number) => Uint8Array.of(value)

  it('keeps order when the listener is replaced from inside a delivery', () => {
    const slot = new MessageSlot({ waitingBytesMax: 10 })
    const first: number[] = []
    const second: number[] = []
    for (const value of [1, 2, 3]) slot.push(message(value))
    slot.receive = ([value]) => {
      first.push(value ?? 0)
      slot.push(message(4))
      slot.receive = ([later]) => void second.push(later ?? 0)
    }
    expect([first, second]).toEqual([[1], [2, 3, 4]])
  })

  it('keeps up to its bound and says so', () => {
    const slot = new MessageSlot({ waitingBytesMax: 2 })
    expect([slot.push(message(1)), slot.push(message(2)), slot.push(message(3))]).toEqual([true, true, false])
    slot.clear()
    expect(slot.push(message(4))).toBe(true)
  })
})

describe('a SwarmError', () => {
  it('carries a code, a cause and whether to try again', () => {
    const error = new SwarmError('Try again.', { code: 'ERR_X', cause: 7, retryable: true })
    expect(error).toMatchObject({ name: 'SwarmError', code: 'ERR_X', cause: 7, retryable: true, message: 'Try again.' })
    expect(error).toBeInstanceOf(Error)
    const controller = new AbortController()
    controller.abort('enough')
    expect(abortedError(controller.signal)).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough', retryable: false })
  })
})
