// The process behind one line: two tunnel devices, and each packet that goes into one comes out of the other when it is due.
// Started as `line-host.js <device a> <device b>`.
import { obey, tell } from './answering.ts'
import { changeShape, Lane, type LineShape } from './lane.ts'
import { createWaiter, openTun, type Tun } from './tun.ts'

export interface ShapeFacts {
  readonly towards: 'a' | 'b' | 'both'
  readonly shape: Partial<LineShape>
}

/** Packets taken from one device before the other has its turn. */
const BURST_PACKETS = 128

const [nameA = '', nameB = ''] = process.argv.slice(2)
const ends = { a: openTun(nameA), b: openTun(nameB) }
const lanes = { a: createLane(ends.a), b: createLane(ends.b) }

function createLane(out: Tun): Lane {
  return new Lane({ fraction: Math.random, emit: (packet) => void out.write(packet) })
}

/** True when the device may have more. */
function drain(from: Tun, lane: Lane): boolean {
  for (let count = 0; count < BURST_PACKETS; count++) {
    const packet = from.read()
    if (!packet) return false
    lane.take(packet, performance.now())
  }
  return true
}

obey({
  shape({ towards, shape }: ShapeFacts) {
    for (const end of ['a', 'b'] as const) {
      if (towards === 'both' || towards === end) lanes[end].shape = changeShape(lanes[end].shape, shape)
    }
  },
  counters: () => ({ a: lanes.a.counters, b: lanes.b.counters }),
})
tell('ready')

const wait = createWaiter([ends.a, ends.b])
for (;;) {
  const mayHaveMore = [drain(ends.a, lanes.b), drain(ends.b, lanes.a)].some(Boolean)
  const nowMs = performance.now()
  for (const lane of [lanes.a, lanes.b]) lane.release(nowMs)
  const dueMs = Math.min(lanes.a.dueMs ?? Number.POSITIVE_INFINITY, lanes.b.dueMs ?? Number.POSITIVE_INFINITY)
  await wait(mayHaveMore ? 0 : Math.max(0, dueMs - nowMs))
}
