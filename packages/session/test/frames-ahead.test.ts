import { describe, expect, it } from '@jest/globals'
import { FRAMES_AHEAD_MAX, WINDOW_BYTES_MAX } from '../src/limits.ts'
import { ReceiveOrder } from '../src/receive-order.ts'
import { SendWindow } from '../src/send-window.ts'

const EMPTY = new Uint8Array(0)

describe('frames without a byte, which cost more to keep than they count', () => {
  it('are kept so far ahead of what is missing, and no further', () => {
    const order = new ReceiveOrder({ keptBytesMax: WINDOW_BYTES_MAX })
    expect(order.add(FRAMES_AHEAD_MAX - 1, EMPTY)).toBe('kept')
    expect(() => order.add(FRAMES_AHEAD_MAX, EMPTY)).toThrow('further ahead')
  })

  it('are sent no further ahead, until the oldest is acknowledged', () => {
    const limits = { windowBytes: WINDOW_BYTES_MAX, windowBytesMax: WINDOW_BYTES_MAX, pathsMax: 8 }
    const window = new SendWindow(limits)
    const pump = () => {
      let sent = 0
      for (let kept = window.next(1); kept; kept = window.next(1)) {
        window.sent(kept, 0)
        sent++
      }
      return sent
    }
    for (let count = 0; count <= FRAMES_AHEAD_MAX; count++) window.push({ frame: EMPTY, ack: 0 })
    expect(pump()).toBe(FRAMES_AHEAD_MAX)
    window.acknowledge(1)
    expect(pump()).toBe(1)
  })
})
